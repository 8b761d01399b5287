import { hash, verify } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';

/**
 * Argon2id by the parameters of OWASP's list that take the least time when many log in at once (`npm run bench:login`);
 * they are as hard to attack as the others there. The library works on the thread pool, off the event loop.
 */
const cost = { memoryCost: 7_168, timeCost: 5, parallelism: 1 };
const currentForm = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$`;

/** Hashes with Argon2id, off the event loop; the result names its own salt and parameters (PHC string format). */
export function hashPassword(password: string): Promise<string> {
  return hash(password, cost);
}

/** Whether a hash was made by other parameters than today's, and should be made anew when its password is at hand. */
export function isOutdated(passwordHash: string): boolean {
  return !passwordHash.startsWith(currentForm);
}

/** Stands in for the hash of an account that does not exist, so that a wrong e-mail costs what a wrong password does. */
const nobodysHash = hashPassword(randomBytes(32).toString('base64'));

/** Whether this is the password of the account; null when there is no account. */
export async function isPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? (await nobodysHash), password);
  return matches && passwordHash !== null;
}
