import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import { createRedis } from './redis.ts';
import { cacheKeys, createSessionCache, type CacheKind } from './sessionCache.ts';

const lines: string[] = [];
const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
const redis = createRedis(process.env.REDIS_URL ?? '', 'cache-test', logger);
const metrics = createMetrics('test');
const masterKeys = [{ id: 'k1', key: randomBytes(32) }];
const cache = createSessionCache(redis, metrics, masterKeys, logger);
afterAll(() => redis.quit());

const secondsOf = { minute: 60, hour: 3_600, day: 86_400 };

describe('The cache', () => {
  test('keeps exactly the keys and lifetimes of the specification (D2)', () => {
    const expected: Record<CacheKind, [key: string, lifetimeSeconds: number]> = {
      session: ['session:x', secondsOf.day],
      sessionStatus: ['session:x:status', secondsOf.hour],
      sessionResults: ['session:x:results', 7 * secondsOf.day],
      user: ['user:x', secondsOf.hour],
      userPermissions: ['user:x:permissions', 30 * secondsOf.minute],
      systemConfig: ['config:system', 5 * secondsOf.minute],
      activeModels: ['models:active', 10 * secondsOf.minute],
      realtimeStats: ['stats:realtime', 30],
    };
    const named = Object.entries(cacheKeys).map(([kind, { key, lifetimeMs }]) => [
      kind,
      [key('x'), lifetimeMs / 1_000],
    ]);
    expect(Object.fromEntries(named)).toEqual(expected);
  });

  test('drops all that it remembers of PostgreSQL at once, and what Redis alone knows stays (D4)', async () => {
    const id = randomUUID();
    await Promise.all([
      cache.putSession(id, Buffer.from('{}')),
      cache.putStatus(id, 'created'),
      cache.putResults(id, Buffer.from('[]')),
    ]);
    const own = [`user:${id}`, `user:${id}:permissions`, `inference:${id}`, `session:${id}:inferences`];
    const kept = [`user:${id}:rate_limit`, `revoked:login:${id}`, `attempts:account:${id}`];
    for (const key of [...own, ...kept]) await redis.set(key, '1', 'EX', 60);
    await cache.forgetEverything();
    expect(await redis.exists(`session:${id}`, `session:${id}:status`, `session:${id}:results`, ...own)).toBe(0);
    expect(await redis.exists(...kept)).toBe(kept.length);
  });

  test('gives back what was put, with its lifetime, and forgets all of a session at once (D2, A1)', async () => {
    const id = randomUUID();
    await Promise.all([
      cache.putSession(id, Buffer.from('{"cue":"c"}')),
      cache.putStatus(id, 'created'),
      cache.putResults(id, Buffer.from('[]')),
    ]);
    const read = () => Promise.all([cache.getSession(id), cache.getStatus(id), cache.getResults(id)]);
    expect((await read()).map(String)).toEqual(['{"cue":"c"}', 'created', '[]']);
    const lifetimes = await Promise.all(['', ':status', ':results'].map((part) => redis.ttl(`session:${id}${part}`)));
    for (const [i, longest] of [secondsOf.day, secondsOf.hour, 7 * secondsOf.day].entries()) {
      expect(lifetimes[i]).toBeGreaterThan(longest - 60);
      expect(lifetimes[i]).toBeLessThanOrEqual(longest);
    }
    expect(await cache.forget(id)).toBe(true);
    expect(await read()).toEqual([undefined, undefined, undefined]);
  });

  test('shows Redis neither a cue nor a result (I5)', async () => {
    const id = randomUUID();
    await cache.putSession(id, Buffer.from('{"cue":"MARKER"}'));
    await cache.putResults(id, Buffer.from('[{"data":"MARKER"}]'));
    for (const key of [`session:${id}`, `session:${id}:results`]) {
      expect((await redis.getBuffer(key))?.includes('MARKER')).toBe(false);
    }
  });

  test('misses what it cannot open, says so once, and takes it anew', async () => {
    const id = randomUUID();
    lines.length = 0;
    await redis.set(`session:${id}`, 'not sealed by us');
    expect(await cache.getSession(id)).toBeUndefined();
    expect(await cache.getSession(id)).toBeUndefined();
    expect(lines.filter((line) => line.includes('the cache does not work'))).toHaveLength(1);
    await cache.putSession(id, Buffer.from('{}'));
    expect((await cache.getSession(id))?.toString()).toBe('{}');
  });

  test('serves the other keys of the table (D2)', async () => {
    const permissions = cache.cacheEntry('userPermissions', randomUUID());
    expect(await permissions.get()).toBeUndefined();
    await permissions.put('["session:read"]');
    expect(await permissions.get()).toBe('["session:read"]');
    await permissions.forget();
    expect(await permissions.get()).toBeUndefined();
  });

  test('counts hits and misses (I2, P5)', async () => {
    const counted = createMetrics('counted');
    const other = createSessionCache(redis, counted, masterKeys, logger);
    const id = randomUUID();
    await other.getStatus(id);
    await other.putStatus(id, 'created');
    await other.getStatus(id);
    expect(await counted.registry.getSingleMetricAsString('cache_hit_ratio')).toMatch(/ 0\.5$/);
  });
});

describe('loading what is not cached (D2)', () => {
  const schema = z.object({ n: z.number() });

  test('is done once, however many ask at the same moment', async () => {
    const entry = () => cache.cacheEntry('user', id);
    const id = randomUUID();
    let reads = 0;
    const read = async () => {
      await entry().get();
      reads += 1;
      return { n: reads };
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => entry().load(schema, read)));
    expect(answers).toEqual(Array.from({ length: 20 }, () => ({ n: 1 })));
    expect(await entry().load(schema, read)).toEqual({ n: 1 });
    expect(reads).toBe(1);
  });

  test('leaves what was put meanwhile, since it is newer', async () => {
    const entry = cache.cacheEntry('user', randomUUID());
    const read = async () => {
      await entry.put('{"n":2}');
      return { n: 1 };
    };
    await entry.load(schema, read);
    expect(await entry.get()).toBe('{"n":2}');
  });

  test('does not bring back what was forgotten meanwhile', async () => {
    const entry = cache.cacheEntry('user', randomUUID());
    const read = async () => {
      await entry.forget();
      return { n: 1 };
    };
    await entry.load(schema, read);
    expect(await entry.get()).toBeUndefined();
  });

  test('replaces a form that is no longer read, and keeps nothing of what is not there', async () => {
    const entry = cache.cacheEntry('user', randomUUID());
    await entry.put('{"old":true}');
    expect(await entry.load(schema, () => Promise.resolve({ n: 3 }))).toEqual({ n: 3 });
    expect(await entry.get()).toBe('{"n":3}');
    const gone = cache.cacheEntry('user', randomUUID());
    expect(await gone.load(schema, () => Promise.resolve(null))).toBeNull();
    expect(await gone.get()).toBeUndefined();
  });
});
