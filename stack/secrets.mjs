import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, replaceFile } from './files.mjs';
import { Problem } from './problem.mjs';
import { shown } from './paths.mjs';

/**
 * What the local stack and our processes share and nobody else may read.
 * @typedef {object} Secrets
 * @property {string} postgresPassword
 * @property {string} redisPassword
 * @property {string} s3AccessKeyId
 * @property {string} s3SecretAccessKey
 * @property {string} sendgridApiKey
 * @property {string} jwtSigningKeys JSON array of private RSA JWKs
 * @property {string} contentMasterKeys `id:base64` of 32 bytes, comma-separated, the first is current
 * @property {string} temporalPayloadKeys of the same form
 * @property {string} backupKeys of the same form
 * @property {string} idempotencySecret base64 of 32 bytes
 */

const password = () => randomBytes(24).toString('hex');
const masterKey = () => `local-${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}`;

/** @returns {Secrets} */
function generate() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: `local-${randomUUID()}`, alg: 'RS256', use: 'sig' };
  return {
    postgresPassword: password(),
    redisPassword: password(),
    s3AccessKeyId: `local${randomBytes(8).toString('hex')}`,
    s3SecretAccessKey: password(),
    sendgridApiKey: `SG.local.${randomBytes(24).toString('base64url')}`,
    jwtSigningKeys: JSON.stringify([jwk]),
    contentMasterKeys: masterKey(),
    temporalPayloadKeys: masterKey(),
    backupKeys: masterKey(),
    idempotencySecret: randomBytes(32).toString('base64'),
  };
}

/**
 * The secrets of a home folder, made at the first call and the same ever after.
 * @param {string} homeDir
 * @returns {Secrets}
 */
export function loadSecrets(homeDir) {
  const path = join(homeDir, 'secrets.json');
  const found = /** @type {Secrets | null} */ (readJson(path));
  if (found?.temporalPayloadKeys && found.backupKeys) return found;
  // A folder of 0.3 has no such keys yet; the stack makes them before any process starts.
  if (found) {
    const { temporalPayloadKeys = masterKey(), backupKeys = masterKey() } = found;
    return written(path, { ...found, temporalPayloadKeys, backupKeys });
  }
  if (existsSync(join(homeDir, 'redis')) || existsSync(join(homeDir, 'objects'))) {
    throw new Problem(
      `${shown(path)} is gone, and the data beside it can be opened with nothing else: bring it back, or start with empty data`,
      'npm run stack -- reset',
    );
  }
  mkdirSync(homeDir, { recursive: true });
  return written(path, generate());
}

/**
 * @param {string} path
 * @param {Secrets} secrets
 */
function written(path, secrets) {
  replaceFile(path, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}
