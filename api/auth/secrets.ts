import { hash, randomBytes } from 'node:crypto';

/** Secrets that the gateway makes and hands out once: refresh tokens, API keys, links. */

/** 256 random bits, as 43 letters of base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * What is kept of a secret: its SHA-256, hexadecimal. No salt and no slow hash: unlike a password, what is random can
 * neither be guessed nor tried out.
 */
export function secretHash(secret: string): string {
  return hash('sha256', secret, 'hex');
}
