import { homedir } from 'node:os';
import path from 'node:path';

/**
 * A folder of what is fetched or built once, under the user's cache folder, so that a second clone finds it.
 *
 * @param {string} name Its version included: a change of what is in it makes another folder, so that no half-old one is ever loaded.
 * @returns {string}
 */
export function cacheFolder(name) {
  const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  return path.join(cache, 'mindpeeker', name);
}
