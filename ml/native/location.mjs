import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cacheFolder } from '../fetch/cache.mjs';

/** The parts that were tried together. */
export const parts = {
  tfjsNode: '4.22.0',
  wheel: 'tensorflow-cpu==2.18.1',
  wheelSha256: '810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298',
};

/**
 * The version of the whole build: TensorFlow.js's, and a short hash of everything else that goes into it.
 *
 * @returns {string}
 */
function nativeVersion() {
  const hash = createHash('sha256').update(JSON.stringify(parts));
  hash.update(readFileSync(new URL('package-lock.json', import.meta.url)));
  return `${parts.tfjsNode}-${hash.digest('hex').slice(0, 8)}`;
}

/**
 * Where the native backend lies once it is built.
 *
 * @returns {string}
 */
export function nativeFolder() {
  return cacheFolder(`tfjs-native-${nativeVersion()}`);
}
