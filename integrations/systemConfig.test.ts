import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { SystemChanges } from '../domain/systemConfig.ts';
import { createRedis } from './redis.ts';
import { createSessionCache } from './sessionCache.ts';
import { createSystemConfigReader } from './systemConfig.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const redis = createRedis(process.env.REDIS_URL ?? '', 'config-test', logger);
const cache = createSessionCache(redis, createMetrics('test'), [], logger);
const newReader = (readChanges: () => Promise<SystemChanges>) =>
  createSystemConfigReader({ cache, readChanges, logger });
const waitOf = (analysisWaitSeconds: number): SystemChanges => ({ analysisWaitSeconds });

beforeEach(() => cache.cacheEntry('systemConfig').forget());
afterAll(async () => {
  await cache.cacheEntry('systemConfig').forget();
  await redis.quit();
});

test('a change is not undone by a gateway that read the row just before it (D2, G6)', async () => {
  const late = newReader(async () => {
    await newReader(() => Promise.resolve({})).remember(waitOf(77));
    return waitOf(11);
  });
  await late.current();
  const fresh = newReader(() => Promise.reject(new Error('nobody has to read it')));
  expect((await fresh.current()).analysisWaitSeconds).toBe(77);
});
