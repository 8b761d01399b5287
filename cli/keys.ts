import { join } from 'node:path';
import { z } from 'zod';
import { readSigningKeys } from '../config.ts';
import { readJson, replaceFile } from '../stack/files.mjs';
import { startHome } from '../stack/paths.mjs';
import { activateKey, addKey, parseSigningKeys, retireKey, type SigningKeys } from './signingKeys.ts';

/**
 * `npm run keys -- list | add | activate <kid> | retire <kid>`: changes the keys that sign access tokens without logging
 * anybody out: add, restart, activate, restart, wait a quarter of an hour, retire, restart (docs/operations.md). It
 * works on `JWT_SIGNING_KEYS` where that is set, and prints its new value; else on the secrets of the stack here.
 */

const secretsFile = join(startHome, 'secrets.json');
const secretsSchema = z.looseObject({ jwtSigningKeys: z.string() });

function readStackSecrets() {
  const secrets = secretsSchema.safeParse(readJson(secretsFile));
  if (!secrets.success) throw new Error('JWT_SIGNING_KEYS is not set, and there is no stack here ("npm start").');
  return secrets.data;
}

function changed(keys: SigningKeys, command: string | undefined, kid: string | undefined): SigningKeys {
  switch (command) {
    case 'list':
      return keys;
    case 'add':
      return addKey(keys);
    case 'activate':
      return activateKey(keys, kid);
    case 'retire':
      return retireKey(keys, kid);
    default:
      throw new Error('npm run keys -- list | add | activate <kid> | retire <kid>');
  }
}

const [command, kid] = process.argv.slice(2);
try {
  const given = readSigningKeys();
  const before = parseSigningKeys(given ?? readStackSecrets().jwtSigningKeys);
  const after = changed(before, command, kid);
  for (const [i, key] of after.entries()) console.error(`${i === 0 ? 'signs   ' : 'verifies'}  ${key.kid}`);
  if (after !== before && given !== undefined) console.log(JSON.stringify(after));
  if (after !== before && given === undefined) {
    replaceFile(
      secretsFile,
      `${JSON.stringify({ ...readStackSecrets(), jwtSigningKeys: JSON.stringify(after) }, null, 2)}\n`,
    );
    console.error('The stack here works by them once it is started again.');
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
