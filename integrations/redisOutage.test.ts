import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { LiveEvent } from '../domain/events.ts';
import { createLine, type Line } from '../tests/line.ts';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import { createLiveStream } from './liveStream.ts';
import { createAttempts, createRedis } from './redis.ts';
import { createSessionCache } from './sessionCache.ts';

const eventOf = (sessionId: string, seq: number): LiveEvent => ({
  userId: randomUUID(),
  update: {
    type: 'session_update',
    sessionId,
    data: { seq, event: 'created', status: 'created', step: null },
    timestamp: '2026-11-23T12:00:00.000Z',
  },
});

let line: Line;
let port: number;
let redis: Redis;
let lines: string[];
const logger = createLogger({ service: 'test', level: 'info', destination: { write: (text) => lines.push(text) } });
const said = (message: string) => lines.filter((text) => text.includes(`"${message}"`)).length;

beforeEach(async () => {
  lines = [];
  line = createLine(process.env.REDIS_URL ?? '');
  const mended = await line.mend();
  port = mended.port;
  redis = createRedis(mended.url, 'outage-test', logger);
  await redis.ping();
});
afterEach(async () => {
  redis.disconnect();
  await line.cut();
});

async function lose(): Promise<void> {
  const lost = once(redis, 'close');
  await line.cut();
  await lost;
}

async function regain(): Promise<void> {
  const back = once(redis, 'ready');
  await line.mend(port);
  await back;
}

describe('While Redis is gone', () => {
  test('a command fails instead of waiting, and the outage is said once, and once that it is over (I4)', async () => {
    await lose();
    for (let i = 0; i < 3; i += 1) await expect(redis.get('x')).rejects.toThrow();
    await regain();
    expect(await redis.ping()).toBe('PONG');
    expect([said('Redis is not reachable'), said('Redis is reachable again')]).toEqual([1, 1]);
  });

  test('the cache misses and drops, counts both, and never fails its caller (D2)', async () => {
    const metrics = createMetrics('test');
    const cache = createSessionCache(redis, metrics, [{ id: 'k', key: randomBytes(32) }], logger);
    const id = randomUUID();
    await cache.putSession(id, Buffer.from('{}'));
    await lose();
    expect(await cache.getSession(id)).toBeUndefined();
    await cache.putStatus(id, 'created');
    expect(await cache.forget(id)).toBe(false);
    const page = await metrics.registry.metrics();
    expect(page).toContain('cache_writes_dropped_total{service="test"} 2');
    expect(page).toContain('cache_reads_total{outcome="miss",service="test"} 1');
    await regain();
    expect((await cache.getSession(id))?.toString()).toBe('{}');
  });

  test('publishing a live update does not fail the step that publishes (G4)', async () => {
    const live = createLiveStream(redis, logger);
    await lose();
    await expect(live.publish(eventOf(randomUUID(), 1))).resolves.toBeUndefined();
    await regain();
    expect(said('Redis is not reachable')).toBe(1);
  });

  test('a reader waits, and goes on with the first update after it (G4)', async () => {
    const id = randomUUID();
    const direct = createRedis(process.env.REDIS_URL ?? '', 'direct', logger);
    const stop = new AbortController();
    const started = Promise.withResolvers<undefined>();
    const received = Promise.withResolvers<number>();
    const reading = createLiveStream(redis, logger).read({
      signal: stop.signal,
      onStart: () => {
        started.resolve(undefined);
      },
      onEvent: ({ update }) => {
        if (update.sessionId === id) received.resolve(update.data.seq);
      },
    });
    await started.promise;
    await lose();
    await createLiveStream(direct, logger).publish(eventOf(id, 7));
    await regain();
    expect(await received.promise).toBe(7);
    stop.abort();
    await reading;
    await direct.quit();
  });
});

test('Redis that hangs is waited for once, and asked again as soon as it answers (D2, G6)', async () => {
  const attempt = createAttempts(redis, logger, 'does not work');
  let asked = 0;
  const ask = () =>
    attempt(() => {
      asked += 1;
      return redis.ping();
    });
  const lost = once(redis, 'close');
  line.silence();
  expect(await ask()).toEqual({ done: false });
  await lost;
  for (let i = 0; i < 10; i += 1) expect(await ask()).toEqual({ done: false });
  expect(asked).toBe(1);
  const back = once(redis, 'ready');
  line.speak();
  await back;
  expect(await ask()).toEqual({ done: true, value: 'PONG' });
  expect([said('Redis is not reachable'), said('Redis is reachable again')]).toEqual([1, 1]);
});
