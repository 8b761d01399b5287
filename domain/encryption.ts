import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';

/**
 * The platform's one cipher, AES-256-GCM, and the keys that operators keep for it. What is encrypted is laid out as
 * 12 bytes nonce, content, 16 bytes tag. Nonces are random, so one key may encrypt about four billion times
 * (NIST SP 800-38D, 8.3) before it must be changed.
 */
export interface MasterKey {
  /** Up to 64 letters, digits, `.`, `_`, `-`. */
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

export const keyBytes = 32;
export const nonceBytes = 12;
export const tagBytes = 16;
const cipherName = 'aes-256-gcm';

/**
 * Reads a list of keys: a comma list of `id:base64`, the first of which seals and all of which open.
 *
 * @throws Error that names the faulty entry by its place, never its key.
 */
export function parseMasterKeys(text: string): MasterKey[] {
  const keys = text.split(',').map((entry, i) => {
    const match = /^(?<id>[A-Za-z0-9._-]{1,64}):(?<key>[A-Za-z0-9+/]{43}=)$/.exec(entry.trim());
    if (match?.groups?.id === undefined || match.groups.key === undefined) {
      throw new Error(`Master key ${i + 1} must be written as id:base64 of 32 bytes.`);
    }
    return { id: match.groups.id, key: Buffer.from(match.groups.key, 'base64') };
  });
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw new Error('Two master keys have the same id.');
  return keys;
}

// Node takes the bytes of a key as well, at three times the price of all else that a short piece costs.

/** Encrypts; `bound` is no part of the outcome, but must be the same when it is decrypted. */
export function encrypt(plain: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(cipherName, createSecretKey(key), nonce).setAAD(bound);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error when it was altered, cut, encrypted with another key or bound to something else. */
export function decrypt(encrypted: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer {
  if (encrypted.byteLength < nonceBytes + tagBytes) throw new Error('It is cut off.');
  const tagStart = encrypted.byteLength - tagBytes;
  const decipher = createDecipheriv(cipherName, createSecretKey(key), encrypted.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
    .setAAD(bound)
    .setAuthTag(encrypted.subarray(tagStart));
  const plain = decipher.update(encrypted.subarray(nonceBytes, tagStart));
  // It brings nothing more, but throws where the tag is wrong.
  decipher.final();
  return plain;
}
