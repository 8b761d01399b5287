import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseMasterKeys } from './domain/encryption.ts';

/**
 * The one place that reads the environment (docs/coding-rules.md, rule 4). `npm start` and `npm test` fill it for the
 * local stack; elsewhere the deployment does.
 */

const port = z.coerce.number().int().min(0).max(65_535);
const secret = z.string().min(1);

/** The keys that sign access tokens: the first signs, all of them verify. */
export const signingKeyListSchema = z
  .array(z.looseObject({ kty: z.literal('RSA'), kid: z.string().min(1), d: z.string().min(1) }))
  .min(1);

const signingKeysSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'is not valid JSON' });
      return z.NEVER;
    }
  })
  .pipe(signingKeyListSchema)
  .describe('Private RSA keys as JWKs with `kid`; the first one signs, all of them verify.');

const masterKeysSchema = z.string().transform((text, context) => {
  try {
    return parseMasterKeys(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'is no list of keys' });
    return z.NEVER;
  }
});

const originsSchema = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .pipe(
    z.array(
      z.url({ protocol: /^https?$/ }).refine((url) => new URL(url).origin === url, 'must be origins, no wildcards'),
    ),
  )
  .describe('Comma list of the web pages that may call from a browser, as origins: `https://app.example.com`.');

/** Text that `read` takes for what it should be; when it does not, nothing is asked beyond that. */
function pemOf(what: string, read: (text: string) => unknown) {
  const isReadable = (text: string) => {
    try {
      return read(text) !== undefined;
    } catch {
      return false;
    }
  };
  return z.string().refine(isReadable, { error: `is not ${what} in PEM`, abort: true });
}
const archiveUri = z
  .string()
  .regex(/^[a-z][a-z0-9+.-]*:\/\/\S+$/, 'must be a URI, such as s3://bucket/folder or file:///folder')
  .describe('Where Temporal keeps what its retention lets go; nowhere unless it is set. Its server must offer it.');
const certificate = pemOf('a certificate', (text) => new X509Certificate(text));

const variablesSchema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  METRICS_PORT: port.default(0).describe('Where a worker serves /metrics and /readyz; 0 takes a free port.'),
  TRUST_PROXY: z
    .string()
    .regex(/^(\d+|[\da-f.:/, ]+|loopback|linklocal|uniquelocal)$/i, 'must be a number of proxies, or their addresses')
    .transform((text) => (/^\d+$/.test(text) ? Number(text) : text.split(/[, ]+/)))
    .default(0)
    .describe('Whose X-Forwarded-For is believed: how many proxies stand in front, or their addresses; 0 for nobody.'),
  PUBLIC_URL: z.url().default('http://localhost:3000').describe('The address that links in mails lead to.'),

  CORS_ORIGINS: originsSchema.default([]),

  DATABASE_URL: z.url(),
  DATABASE_POOL_MAX: z.coerce.number().int().min(1).default(10),
  REDIS_URL: z.url(),

  S3_ENDPOINT: z.url().optional(),
  S3_PUBLIC_ENDPOINT: z
    .url()
    .optional()
    .describe('Where clients reach the object storage, to send and fetch files; `S3_ENDPOINT` unless it is set.'),
  S3_SERVER_SIDE_ENCRYPTION: z
    .enum(['AES256', 'aws:kms'])
    .optional()
    .describe('How the object storage encrypts attachments; left to the bucket’s own setting unless it is set.'),
  S3_REGION: z.string().default('us-east-1'),
  S3_BUCKET: z.string().default('mindpeeker'),
  S3_ACCESS_KEY_ID: secret,
  S3_SECRET_ACCESS_KEY: secret,
  CONTENT_MASTER_KEYS: masterKeysSchema.describe(
    'Comma list of `id:base64 of 32 bytes`; the first one seals content, all of them open it.',
  ),

  // Backups lie beside what they are of, unless they are told to lie elsewhere, as they should be.
  BACKUP_S3_ENDPOINT: z.url().optional().describe('Where backups lie; `S3_ENDPOINT` unless it is set.'),
  BACKUP_S3_REGION: z.string().optional(),
  BACKUP_S3_BUCKET: z.string().optional().describe('`S3_BUCKET` with `-backup` behind it unless it is set.'),
  BACKUP_S3_ACCESS_KEY_ID: secret.optional(),
  BACKUP_S3_SECRET_ACCESS_KEY: secret.optional(),
  BACKUP_KEYS: masterKeysSchema.describe(
    'Comma list of `id:base64 of 32 bytes`, other ones than those of content; the first seals, all open.',
  ),
  BACKUP_EVERY_HOURS: z.coerce.number().int().min(0).default(24).describe('0 for never.'),
  REHEARSAL_EVERY_HOURS: z.coerce
    .number()
    .int()
    .min(0)
    .default(7 * 24)
    .describe('How often the newest backup is restored into a place of its own, to see that it can be; 0 for never.'),
  POSTGRES_BIN_DIR: z
    .string()
    .optional()
    .describe('Where pg_dump and pg_restore are, at least as new as the server; the usual places unless it is set.'),

  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('mindpeeker'),
  TEMPORAL_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .default(30)
    .describe('How long Temporal keeps the history of a workflow that has ended.'),
  TEMPORAL_HISTORY_ARCHIVAL_URI: archiveUri.optional(),
  TEMPORAL_VISIBILITY_ARCHIVAL_URI: archiveUri.optional(),
  TEMPORAL_PAYLOAD_KEYS: masterKeysSchema.describe(
    'Comma list of `id:base64 of 32 bytes`; the first one seals what workflows are given and give, all of them open it.',
  ),
  TEMPORAL_UI_URL: z.url().optional().describe('The Temporal Web UI, to which operators are led.'),
  // Named as Temporal's own command line names them.
  TEMPORAL_API_KEY: secret.optional().describe('Sent with every call to a Temporal that asks for one.'),
  TEMPORAL_TLS: z
    .stringbool()
    .optional()
    .describe('Speaks TLS with Temporal; by itself wherever an API key or any of the four below is set.'),
  TEMPORAL_TLS_SERVER_NAME: z.string().optional().describe('The name in the server’s certificate, if not its address.'),
  TEMPORAL_TLS_SERVER_CA_CERT_DATA: certificate
    .optional()
    .describe('Who vouches for the server, as PEM; the authorities of the machine unless it is set.'),
  TEMPORAL_TLS_CLIENT_CERT_DATA: certificate.optional().describe('By which the server knows us (mTLS), as PEM.'),
  TEMPORAL_TLS_CLIENT_KEY_DATA: pemOf('a private key', createPrivateKey)
    .optional()
    .describe('The private key of that certificate, as PEM.'),

  WORKER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
    .optional()
    .describe('Of the workflow code in this image: a workflow stays on the version that it began with.'),

  STRIPE_SECRET_KEY: secret,
  STRIPE_API_BASE: z.url().optional(),
  SENDGRID_API_KEY: secret,
  SENDGRID_API_BASE: z.url().optional(),
  MAIL_FROM: z.email().default('hello@mindpeeker.com'),

  JWT_SIGNING_KEYS: signingKeysSchema,
  IDEMPOTENCY_SECRET: secret.describe(
    'Keys the hash by which a repeated request is recognised; the keys of links in mails are derived from it.',
  ),

  INFERENCE_THREADS: z.coerce.number().int().min(1).default(1),
  TRAINING_THREADS: z.coerce
    .number()
    .int()
    .min(1)
    .default(2)
    .describe('Jobs of trainings that a GPU worker does at once.'),
  GPU_TASKS_PER_SECOND: z.coerce
    .number()
    .positive()
    .default(500)
    .describe('The most tasks that all GPU workers together take in a second: what stands behind them is spared.'),
  INFERENCE_BACKEND: z.enum(['auto', 'native', 'wasm', 'js']).default('auto'),
  MODEL_MEMORY_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(1024 ** 3)
    .describe('What the weights of all loaded versions of models may take; the least recently used are let go.'),
  REQUIRE_GPU: z.stringbool().default(false).describe('A GPU worker that finds no GPU ends instead of working slowly.'),
  WEBHOOK_ALLOW_PRIVATE: z
    .stringbool()
    .default(false)
    .describe('Webhooks may go to plain HTTP and to addresses of our own network: for development and tests.'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url().optional(),
});

export type Config = z.infer<typeof variablesSchema>;

const environmentSchema = variablesSchema.superRefine((config, context) => {
  for (const [variable, message] of temporalContradictions(config)) {
    context.addIssue({ code: 'custom', path: [variable], message });
  }
});

/** What each variable that speaks of Temporal says rightly for itself, and wrongly beside the others. */
function* temporalContradictions(config: Config): Generator<[keyof Config, string]> {
  const {
    TEMPORAL_API_KEY: apiKey,
    TEMPORAL_TLS_SERVER_NAME: serverName,
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: authority,
    TEMPORAL_TLS_CLIENT_CERT_DATA: ownCertificate,
    TEMPORAL_TLS_CLIENT_KEY_DATA: key,
  } = config;
  if (config.TEMPORAL_TLS === false) {
    if (apiKey !== undefined) yield ['TEMPORAL_TLS', 'must not be off while TEMPORAL_API_KEY is set'];
    if ([serverName, authority, ownCertificate].some((setting) => setting !== undefined)) {
      yield ['TEMPORAL_TLS', 'must not be off while names or certificates for it are set'];
    }
  }
  if (ownCertificate === undefined && key !== undefined) {
    yield ['TEMPORAL_TLS_CLIENT_CERT_DATA', 'must be set beside TEMPORAL_TLS_CLIENT_KEY_DATA'];
  }
  if (ownCertificate === undefined) return;
  if (key === undefined) yield ['TEMPORAL_TLS_CLIENT_KEY_DATA', 'must be set beside TEMPORAL_TLS_CLIENT_CERT_DATA'];
  else if (!new X509Certificate(ownCertificate).checkPrivateKey(createPrivateKey(key))) {
    yield ['TEMPORAL_TLS_CLIENT_KEY_DATA', 'is not the key of TEMPORAL_TLS_CLIENT_CERT_DATA'];
  }
}

/** Thrown at start when the environment is not as it should be; the message names each variable, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the configuration. An empty variable counts as one that is not set. @throws ConfigError */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const filled = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(filled);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(
    `The environment is not complete. "npm start" sets it for the local stack.\n${problems.join('\n')}`,
  );
}

/** What `npm start` writes down of the local stack. */
const stackRecord = new URL('.mindpeeker/stack.json', import.meta.url);

const storesSchema = z.object({ databaseUrl: z.url(), redisUrl: z.url() });

/** PostgreSQL and Redis, for a command that needs nothing else: the environment's, or those of the stack started here. */
export async function readStoreUrls(): Promise<z.output<typeof storesSchema>> {
  const { DATABASE_URL, REDIS_URL } = process.env;
  if (DATABASE_URL && REDIS_URL) return storesSchema.parse({ databaseUrl: DATABASE_URL, redisUrl: REDIS_URL });
  try {
    return storesSchema.parse(JSON.parse(await readFile(stackRecord, 'utf8')));
  } catch (error) {
    throw new ConfigError('DATABASE_URL and REDIS_URL are not set, and no stack is started here ("npm start").', {
      cause: error,
    });
  }
}

/** The keys that sign access tokens, as the environment has them; undefined where it has none. */
export function readSigningKeys(): string | undefined {
  const { JWT_SIGNING_KEYS } = process.env;
  return JWT_SIGNING_KEYS === '' ? undefined : JWT_SIGNING_KEYS;
}
