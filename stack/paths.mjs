import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const checkoutDir = dirname(dirname(fileURLToPath(import.meta.url)));

/** What `npm start` keeps: data, logs, secrets and `stack.json`. Ignored by git. */
export const startHome = join(checkoutDir, '.mindpeeker');

/** While one process of a checkout holds it, no other brings the platform up there. */
export const startLock = join(startHome, 'start.lock');

/** While one process holds it, no other starts or stops a part of the stack. */
export const stackLock = join(startHome, 'stack.lock');

/** The same folder for `npm test`, so that a test run never touches a person's data. */
export const testHome = join(startHome, 'test');

/** Node as pinned by the npm package `node`: it strips types, so our `.ts` files run on it as they are. */
export const pinnedNode = join(checkoutDir, 'node_modules', '.bin', 'node');

/** Binaries by version, shared by every checkout of this user. */
export const cacheDir = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mindpeeker');

/**
 * A path as a person in the checkout would type it.
 * @param {string} path
 */
export const shown = (path) => {
  const fromCheckout = relative(checkoutDir, path);
  return fromCheckout && !fromCheckout.startsWith('..') ? fromCheckout : path;
};
