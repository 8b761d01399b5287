import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import util from 'node:util';

/**
 * Loads TensorFlow.js with its native backend from a folder that `npm run ml:native` made.
 * The package was written for a Node that still had two helpers in `util`; it gets them before it loads.
 *
 * @param {string} folder
 * @returns {typeof import('@tensorflow/tfjs') | null} Null where nothing was built.
 * @throws Error when something lies there that does not load on this machine.
 */
export function loadNative(folder) {
  if (!existsSync(path.join(folder, 'node_modules'))) return null;
  for (const [name, helper] of Object.entries({
    isNullOrUndefined: (/** @type {unknown} */ value) => value === null || value === undefined,
    isArray: Array.isArray,
  })) {
    Object.defineProperty(util, name, { value: helper, configurable: true });
  }
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  return createRequire(path.join(folder, 'package.json'))('@tensorflow/tfjs-node');
}
