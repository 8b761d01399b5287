import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file in one step, so that a reader sees the old text or the new one and never half of it.
 * @param {string} path
 * @param {string} text
 * @param {number} [mode] permission bits; readable by the owner alone unless given
 */
export function replaceFile(path, text, mode = 0o600) {
  const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(beside, text, { mode });
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
