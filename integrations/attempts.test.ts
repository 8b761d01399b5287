import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { hourMs, minuteMs, secondMs } from '../domain/time.ts';
import { createLogger } from '../observability/logger.ts';
import { until } from '../tests/until.ts';
import { createAttempts, delayAfter, type AttemptCounter, type Attempts } from './attempts.ts';
import { createRedis } from './redis.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const account = (): AttemptCounter => ({ scope: 'account', name: randomUUID() });

let redis: Redis;
let gone: Redis;
/** The clock of the process: it stands, and a test lets time pass. Redis has its own. */
let nowMs = Date.now();
let kinds: [string, Attempts][];
beforeAll(() => {
  redis = createRedis(process.env.REDIS_URL ?? '', 'attempts-test', logger);
  gone = createRedis('redis://127.0.0.1:1', 'attempts-test', logger);
  kinds = [
    ['in Redis', createAttempts(redis, logger)],
    ['in the process, while Redis is gone', createAttempts(gone, logger, () => nowMs)],
  ];
});
afterAll(() => {
  redis.disconnect();
  gone.disconnect();
});

test('the delay doubles from a second, and ends at a quarter of an hour, so that nobody is locked out for good', () => {
  const delays = Array.from({ length: 60 }, (_, count) => delayAfter('account', count));
  expect(delays.slice(0, 9).map((delay) => delay / secondMs)).toEqual([0, 0, 0, 0, 0, 1, 2, 4, 8]);
  expect(Math.max(...delays)).toBe(15 * minuteMs);
  expect(delayAfter('address', 49)).toBe(0);
});

describe.each([0, 1])('attempts are counted', (which) => {
  const attempts = () => kinds[which]?.[1] as Attempts;

  test('before they are made: of a hundred at once the free ones pass, and no more', async () => {
    const counter = account();
    const beganAtMs = Date.now();
    const waits = await Promise.all(Array.from({ length: 100 }, () => attempts().begin([counter])));
    const tookSeconds = (Date.now() - beganAtMs) / secondMs;
    const beyond = waits.filter((wait) => wait === 0).length - 5;
    // On a machine that took seconds for them, delays went by meanwhile: of one second, of two more, of four more.
    expect(beyond).toBeGreaterThanOrEqual(0);
    expect(2 ** beyond - 1).toBeLessThanOrEqual(tookSeconds);
    expect(waits.every((wait) => wait <= secondMs * 2 ** beyond)).toBe(true);
  });

  test('apart for each account, and by an address for all of them together', async () => {
    const address: AttemptCounter = { scope: 'address', name: randomUUID() };
    for (let i = 0; i < 50; i += 1) expect(await attempts().begin([account(), address])).toBe(0);
    // Each that a slow machine came to after its delay makes the next one longer.
    await until(
      () => attempts().begin([account(), address]),
      (wait) => wait > 0,
    );
    expect(await attempts().begin([account()])).toBe(0);
  });

  test('anew after one that was right, which the address gets back', async () => {
    const [counter, address] = [account(), { scope: 'address' as const, name: randomUUID() }];
    for (let i = 0; i < 100; i += 1) {
      expect(await attempts().begin([counter, address])).toBe(0);
      await attempts().succeed([counter, address]);
    }
  });
});

test('after an hour without one, what was attempted is forgotten', async () => {
  const [, attempts] = kinds[1] ?? [];
  const counter = account();
  for (let i = 0; i < 5; i += 1) await attempts?.begin([counter]);
  expect(await attempts?.begin([counter])).toBeGreaterThan(0);
  nowMs += hourMs + 1;
  expect(await attempts?.begin([counter])).toBe(0);
  const inRedis = kinds[0]?.[1];
  await inRedis?.begin([counter]);
  expect(await redis.pttl(`attempts:account:${counter.name}`)).toBeGreaterThan(hourMs - minuteMs);
});
