import { hash, verify } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';

/** Argon2id as OWASP asks for; the library works on the thread pool, off the event loop. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export function hashPassword(password: string): Promise<string> {
  return hash(password, cost);
}

/** Stands in for the hash of an account that does not exist, so that a wrong e-mail costs what a wrong password does. */
const nobodysHash = hashPassword(randomBytes(32).toString('base64'));

/** Whether this is the password of the account; null when there is no account. */
export async function isPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? (await nobodysHash), password);
  return matches && passwordHash !== null;
}
