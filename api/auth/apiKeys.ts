import { newSecret, secretHash } from './secrets.ts';

/** The form of API keys: a mark by which scanners of leaked secrets know them, and 256 random bits. */

const mark = 'mp_';
const shownLetters = 8;
const form = new RegExp(`^${mark}[\\w-]{43}$`);

/** A new key. The secret is told once; the hash is what we keep, and the prefix is what its owner knows it by. */
export function newApiKey(): { secret: string; keyHash: string; prefix: string } {
  const secret = `${mark}${newSecret()}`;
  return { secret, keyHash: secretHash(secret), prefix: secret.slice(0, mark.length + shownLetters) };
}

/** The hash under which a key is kept; undefined for what is none of ours. */
export function apiKeyHash(shown: string): string | undefined {
  return form.test(shown) ? secretHash(shown) : undefined;
}
