import type { Config } from './config.ts';
import { contentKeyRows } from './db/contentKeys.ts';
import { openDatabase, type Database, type DatabasePatience } from './db/database.ts';
import { isLoginEnded, loginsEndedAfter } from './db/logins.ts';
import { systemConfigRows } from './db/systemConfig.ts';
import { minuteMs, secondMs } from './domain/time.ts';
import { createAccountArchives, type AccountArchives } from './integrations/accountArchives.ts';
import { openBucket, type Bucket } from './integrations/backupBucket.ts';
import { createBackupStore, type BackupStore } from './integrations/backupStore.ts';
import { createAttempts, type Attempts } from './integrations/attempts.ts';
import { createContentKeys, type ContentKeys } from './integrations/contentKeys.ts';
import { createDriftCounts, type DriftCounts } from './integrations/driftCounts.ts';
import { createInferenceCache, type InferenceCache } from './integrations/inferenceCache.ts';
import { createLinks, type Links } from './integrations/links.ts';
import { createLiveStream, type LiveStream } from './integrations/liveStream.ts';
import { createObjectStore, type ObjectStore } from './integrations/objectStore.ts';
import { createRateLimits, type RateLimits } from './integrations/rateLimits.ts';
import { createPasskeyChallenges, type PasskeyChallenges } from './integrations/passkeyChallenges.ts';
import { createRedis } from './integrations/redis.ts';
import { createRevocations, type Revocations } from './integrations/revocations.ts';
import { createSessionCache, type SessionCache } from './integrations/sessionCache.ts';
import { createSessionContentStore, type SessionContentStore } from './integrations/sessionContent.ts';
import { createTotp, type Totp } from './integrations/totp.ts';
import { createUploads, type Uploads } from './integrations/uploads.ts';
import { createWebhookSecrets, type WebhookSecrets } from './integrations/webhookSecrets.ts';
import { createSystemConfigReader, type SystemConfigReader } from './integrations/systemConfig.ts';
import type { BackedUp } from './operations/restoring.ts';
import { createLogger, type Logger } from './observability/logger.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import type { Check } from './observability/telemetryServer.ts';
import { startTracing, type Tracing } from './observability/tracing.ts';

/** What every process of the platform works with, opened once at its start and closed once at its end. */
export interface Resources {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  tracing: Tracing;
  database: Database;
  objects: ObjectStore;
  contentKeys: ContentKeys;
  contents: SessionContentStore;
  archives: AccountArchives;
  uploads: Uploads;
  /** Object storage as a backup reads it. */
  bucket: Bucket;
  backups: BackupStore;
  backedUp: BackedUp;
  cache: SessionCache;
  inferences: InferenceCache;
  driftCounts: DriftCounts;
  live: LiveStream;
  revocations: Revocations;
  webhookSecrets: WebhookSecrets;
  attempts: Attempts;
  links: Links;
  rateLimits: RateLimits;
  systemConfig: SystemConfigReader;
  totp: Totp;
  passkeyChallenges: PasskeyChallenges;
  /** One check for each dependency that `/readyz` asks. */
  checks: Record<'postgres' | 'redis' | 'objects', Check>;
  close(): Promise<void>;
}

/** No statement of a request or a step takes longer, but the counting of a large table for a backup nearly may. */
const databasePatience: DatabasePatience = { connectMs: 10 * secondMs, answerMs: 2 * minuteMs };

/** Opens what `service` works with. Nothing is connected that is not asked for yet, so this is quick. */
export function openResources(config: Config, service: string): Resources {
  const logger = createLogger({ service, level: config.LOG_LEVEL });
  const metrics = createMetrics(service);
  const tracing = startTracing({ service, exporterUrl: config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT });
  const masterKeys = config.CONTENT_MASTER_KEYS;
  const database = openDatabase({
    url: config.DATABASE_URL,
    poolMax: config.DATABASE_POOL_MAX,
    patience: databasePatience,
  });
  const contentKeys = createContentKeys(contentKeyRows(database), masterKeys);
  const redis = createRedis(config.REDIS_URL, service, logger);
  const cache = createSessionCache(redis, metrics, masterKeys, logger);
  const storage = {
    endpoint: config.S3_ENDPOINT,
    publicEndpoint: config.S3_PUBLIC_ENDPOINT,
    region: config.S3_REGION,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
    bucket: config.S3_BUCKET,
  };
  const objects = createObjectStore({ ...storage, masterKeys });
  const bucket = openBucket(config.S3_BUCKET, storage);
  const backups = createBackupStore({
    endpoint: config.BACKUP_S3_ENDPOINT ?? config.S3_ENDPOINT,
    region: config.BACKUP_S3_REGION ?? config.S3_REGION,
    accessKeyId: config.BACKUP_S3_ACCESS_KEY_ID ?? config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.BACKUP_S3_SECRET_ACCESS_KEY ?? config.S3_SECRET_ACCESS_KEY,
    bucket: config.BACKUP_S3_BUCKET ?? `${config.S3_BUCKET}-backup`,
    keys: config.BACKUP_KEYS,
  });
  const uploads = createUploads({
    ...storage,
    serverSideEncryption: config.S3_SERVER_SIDE_ENCRYPTION,
    objects,
  });
  const revocations = createRevocations(
    redis,
    {
      isEnded: (login) => isLoginEnded(database.asService(), login),
      endedAfter: (time) => loginsEndedAfter(database.asService(), time),
    },
    logger,
  );
  return {
    config,
    logger,
    metrics,
    tracing,
    database,
    objects,
    contentKeys,
    contents: createSessionContentStore(objects, contentKeys),
    archives: createAccountArchives(objects),
    uploads,
    bucket,
    backups,
    backedUp: {
      databaseUrl: config.DATABASE_URL,
      postgresBinDir: config.POSTGRES_BIN_DIR,
      storage,
      bucket: config.S3_BUCKET,
      masterKeys,
    },
    cache,
    inferences: createInferenceCache(redis, metrics, masterKeys, logger),
    driftCounts: createDriftCounts(redis, logger),
    live: createLiveStream(redis, logger),
    rateLimits: createRateLimits(redis, logger),
    systemConfig: createSystemConfigReader({
      cache,
      readChanges: async () => (await systemConfigRows(database).newest()).changes,
      logger,
    }),
    revocations,
    webhookSecrets: createWebhookSecrets(masterKeys),
    attempts: createAttempts(redis, logger),
    links: createLinks(config.IDEMPOTENCY_SECRET),
    totp: createTotp(masterKeys),
    passkeyChallenges: createPasskeyChallenges(redis, logger),
    checks: {
      postgres: () => database.check(),
      redis: async () => {
        await redis.ping();
      },
      objects: () => objects.check(),
    },
    close: async () => {
      revocations.close();
      redis.disconnect();
      objects.close();
      uploads.close();
      bucket.close();
      backups.close();
      await database.close();
      await tracing.shutdown();
    },
  };
}
