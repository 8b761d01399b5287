import { startHome } from './paths.mjs';
import { loadSecrets } from './secrets.mjs';

/** Prints the secrets of this checkout as `docker-compose.yml` takes them: `node stack/compose-env.mjs > .env`. */
const secrets = loadSecrets(startHome);
const lines = {
  POSTGRES_PASSWORD: secrets.postgresPassword,
  REDIS_PASSWORD: secrets.redisPassword,
  S3_ACCESS_KEY_ID: secrets.s3AccessKeyId,
  S3_SECRET_ACCESS_KEY: secrets.s3SecretAccessKey,
  SENDGRID_API_KEY: secrets.sendgridApiKey,
  JWT_SIGNING_KEYS: secrets.jwtSigningKeys,
  CONTENT_MASTER_KEYS: secrets.contentMasterKeys,
  TEMPORAL_PAYLOAD_KEYS: secrets.temporalPayloadKeys,
  BACKUP_KEYS: secrets.backupKeys,
  IDEMPOTENCY_SECRET: secrets.idempotencySecret,
};
for (const [name, value] of Object.entries(lines)) console.log(`${name}='${value}'`);
