import { join } from 'node:path';
import { allParts } from './parts/index.mjs';
import { startHome } from './paths.mjs';
import { StackRecord } from './record.mjs';
import { loadSecrets } from './secrets.mjs';

/**
 * The environment of our own processes (`config.ts` reads it). What the caller has set wins, except what a local part
 * alone can know.
 * @param {object} options
 * @param {'development' | 'test'} options.nodeEnv
 * @param {Pick<import('./bring-up.mjs').Stack, 'env'>} options.stack
 * @param {import('./secrets.mjs').Secrets} options.secrets
 * @param {NodeJS.ProcessEnv} options.caller
 * @returns {NodeJS.ProcessEnv}
 */
export const appEnvironment = ({ nodeEnv, stack, secrets, caller }) => ({
  NODE_ENV: nodeEnv,
  // What one process has compiled the next one takes from there: it starts in three quarters of the processor time.
  NODE_COMPILE_CACHE: join(startHome, 'compile-cache'),
  HOST: '127.0.0.1',
  S3_REGION: 'us-east-1',
  S3_BUCKET: 'mindpeeker',
  TEMPORAL_NAMESPACE: 'mindpeeker',
  LOG_LEVEL: 'info',
  WEBHOOK_ALLOW_PRIVATE: 'true',
  JWT_SIGNING_KEYS: secrets.jwtSigningKeys,
  CONTENT_MASTER_KEYS: secrets.contentMasterKeys,
  TEMPORAL_PAYLOAD_KEYS: secrets.temporalPayloadKeys,
  BACKUP_KEYS: secrets.backupKeys,
  IDEMPOTENCY_SECRET: secrets.idempotencySecret,
  ...caller,
  ...stack.env,
});

/**
 * The addresses for `stack.json`.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Omit<import('./record.mjs').Addresses, 'apiUrl'>}
 */
export const addressesOf = (env) => ({
  temporalAddress: env.TEMPORAL_ADDRESS ?? null,
  temporalUiUrl: env.TEMPORAL_UI_URL ?? null,
  databaseUrl: env.DATABASE_URL ?? null,
  redisUrl: env.REDIS_URL ?? null,
  s3Endpoint: env.S3_ENDPOINT ?? null,
  stripeUrl: env.STRIPE_API_BASE ?? null,
  mailUrl: env.SENDGRID_API_BASE ?? null,
});

/**
 * The environment for a process of ours beside the platform that `npm start` keeps up here, by the record of its stack.
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentBesideStarted() {
  const record = new StackRecord(startHome);
  const secrets = loadSecrets(startHome);
  const ofParts = allParts.map((part) => {
    const live = record.live(part.name);
    return live ? part.environment({ dir: startHome, ports: live.ports, secrets }) : {};
  });
  const stack = { env: Object.assign({}, ...ofParts) };
  return appEnvironment({ nodeEnv: 'development', stack, secrets, caller: process.env });
}
