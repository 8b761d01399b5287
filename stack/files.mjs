import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file in one step, so that a reader sees the old text or the new one and never half of it. Its owner alone
 * may read it.
 * @param {string} path
 * @param {string} text
 */
export function replaceFile(path, text) {
  const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(beside, text, { mode: 0o600 });
  renameSync(beside, path);
}

/**
 * The parsed file, or null where there is none or it is no JSON.
 * @param {string} path
 * @returns {unknown}
 */
export function readJson(path) {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
