import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { signingKeyListSchema } from '../config.ts';

/** As `JWT_SIGNING_KEYS` has them. */
export type SigningKeys = z.output<typeof signingKeyListSchema>;

/** @throws Error where the text is no list of private keys; it quotes none of them */
export function parseSigningKeys(text: string): SigningKeys {
  const parsed = signingKeyListSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error('This is no JSON list of private RSA keys with a kid.');
  return parsed.data;
}

/** Behind the others: it verifies from now on, and signs once it is activated. */
export function addKey(keys: SigningKeys): SigningKeys {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const made = { ...privateKey.export({ format: 'jwk' }), kid: `key-${randomUUID()}`, alg: 'RS256', use: 'sig' };
  return [...keys, ...signingKeyListSchema.parse([made])];
}

/** The key of this id signs from now on. @throws Error where there is none */
export function activateKey(keys: SigningKeys, kid: string | undefined): SigningKeys {
  const { chosen, others } = split(keys, kid);
  return [chosen, ...others];
}

/** The key of this id is gone, and with it every token that it signed. @throws Error where it is the one that signs */
export function retireKey(keys: SigningKeys, kid: string | undefined): SigningKeys {
  const { chosen, others } = split(keys, kid);
  if (chosen === keys[0]) throw new Error(`${chosen.kid} signs; activate another key first.`);
  return others;
}

function split(keys: SigningKeys, kid: string | undefined) {
  const chosen = keys.find((key) => key.kid === kid);
  if (chosen === undefined) throw new Error(`There is no key ${kid ?? 'without a name'}; "list" names them all.`);
  return { chosen, others: keys.filter((key) => key !== chosen) };
}
