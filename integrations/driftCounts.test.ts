import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { dayMs } from '../domain/time.ts';
import { createLogger } from '../observability/logger.ts';
import { createDriftCounts } from './driftCounts.ts';
import { createRedis } from './redis.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const redis = createRedis(readConfig().REDIS_URL, 'drift-test', logger);
afterAll(() => redis.quit());

let now = Date.UTC(2026, 0, 31, 12);
const counts = createDriftCounts(redis, logger, () => now);
let model: { name: string; version: string };
beforeEach(() => {
  model = { name: 'dowsing', version: randomUUID() };
});

describe('counts for drift (D2, I5)', () => {
  test('add up over sessions and days, as far back as is asked', async () => {
    now -= 2 * dayMs;
    await counts.add(model, { yes: 1, 'how:long': 0 });
    now += 2 * dayMs;
    await counts.add(model, { yes: 1 });
    await counts.add(model, { yes: 3 });
    expect(await counts.read(model, 2)).toEqual({ yes: [0, 1, 0, 1] });
    expect(await counts.read(model, 3)).toEqual({ yes: [0, 2, 0, 1], 'how:long': [1] });
    expect(await counts.read({ ...model, version: 'another' }, 30)).toEqual({});
  });

  test('are numbers alone, and go after thirty days', async () => {
    await counts.add(model, { yes: 1 });
    const [key = ''] = await redis.keys(`drift:dowsing:${model.version}:*`);
    expect(await redis.hgetall(key)).toEqual({ 'yes:1': '1' });
    expect(await redis.ttl(key)).toBeGreaterThan((29 * dayMs) / 1_000);
    expect(await redis.ttl(key)).toBeLessThanOrEqual((30 * dayMs) / 1_000);
  });

  test('cannot be read while Redis is gone, and counting goes on without a word to the session', async () => {
    const gone = createRedis('redis://127.0.0.1:1', 'gone', logger);
    const without = createDriftCounts(gone, logger);
    await without.add(model, { yes: 1 });
    expect(await without.read(model, 1)).toBeNull();
    gone.disconnect();
  });
});
