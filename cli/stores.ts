import { readStoreUrls } from '../config.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { createRedis } from '../integrations/redis.ts';
import { createSessionCache, type SessionCache } from '../integrations/sessionCache.ts';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';

/** The database and the cache, for a command that changes something which running processes must see at once. */
export async function withStores<T>(
  work: (stores: { database: Database; cache: SessionCache }) => Promise<T>,
): Promise<T> {
  const { databaseUrl, redisUrl } = await readStoreUrls();
  const logger = createLogger({ service: 'command', level: 'error' });
  const database = openDatabase({ url: databaseUrl, poolMax: 1 });
  const redis = createRedis(redisUrl, 'command', logger);
  try {
    // Nothing that is sealed is read or written here, so no key is needed.
    return await work({ database, cache: createSessionCache(redis, createMetrics('command'), [], logger) });
  } finally {
    redis.disconnect();
    await database.close();
  }
}
