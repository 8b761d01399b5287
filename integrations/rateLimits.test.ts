import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '../observability/logger.ts';
import { createRateLimits, rateLimitKeys, type RateLimits } from './rateLimits.ts';
import { createRedis } from './redis.ts';

const lines: string[] = [];
const logger = createLogger({ service: 'test', level: 'info', destination: { write: (text) => lines.push(text) } });
const redis = createRedis(process.env.REDIS_URL ?? '', 'rate-test', logger);
const other = createRedis(process.env.REDIS_URL ?? '', 'rate-test-2', logger);
const unreachable = createRedis('redis://127.0.0.1:1', 'rate-test-gone', logger);
afterAll(() => {
  for (const connection of [redis, other, unreachable]) connection.disconnect();
});

const counterOf = (limit: number) => ({ key: rateLimitKeys.user(randomUUID()), limit });
const local = createRateLimits(unreachable, logger);

/** How many of `each` requests pass on every one of them, all at once. */
async function passed(limits: readonly RateLimits[], counter: ReturnType<typeof counterOf>, each: number) {
  const asked = limits.flatMap((limit) => Array.from({ length: each }, () => limit.take('read', 1, [counter])));
  return (await Promise.all(asked)).filter(({ allowed }) => allowed).length;
}

describe('of requests that come at once', () => {
  test('exactly as many pass as the limit says, however many connections count (G6)', async () => {
    const shared = [createRateLimits(redis, logger), createRateLimits(other, logger)];
    expect(await passed(shared, counterOf(100), 500)).toBe(100);
  });

  test.each([
    [20, 5],
    [30, 3],
  ])('that count as %i each exactly as many pass as fit, however many connections count (G6)', async (cost, fit) => {
    const shared = [createRateLimits(redis, logger), createRateLimits(other, logger)];
    const counter = counterOf(100);
    const asked = shared.flatMap((limit) => Array.from({ length: 50 }, () => limit.take('write', cost, [counter])));
    expect((await Promise.all(asked)).filter(({ allowed }) => allowed)).toHaveLength(fit);
  });

  test('exactly as many pass in one process while Redis is gone, and that is said (G6)', async () => {
    const counter = counterOf(100);
    expect(await passed([local], counter, 1_000)).toBe(100);
    expect(await local.take('read', 1, [counter])).toMatchObject({ allowed: false, countedBy: 'process' });
    expect(lines.filter((line) => line.includes('requests are counted by this process alone'))).toHaveLength(1);
  });
});

describe.each([
  ['Redis', createRateLimits(redis, logger)],
  ['the process', local],
] as const)('counted by %s', (_name, limits) => {
  test('a request that one counter refuses is counted on none (G6)', async () => {
    const [wide, narrow] = [counterOf(10), counterOf(1)];
    expect((await limits.take('read', 1, [wide, narrow])).allowed).toBe(true);
    for (let i = 0; i < 5; i += 1) expect((await limits.take('read', 1, [wide, narrow])).allowed).toBe(false);
    const { allowed, states } = await limits.take('read', 1, [wide]);
    expect([allowed, states[0]?.remaining]).toEqual([true, 8]);
  });

  test('one that counts as many passes where all of it fits, and counts as one where it does not (G6)', async () => {
    const counter = counterOf(100);
    const seen: [boolean, number | undefined][] = [];
    for (const cost of [60, 41, 40, 38, 2, 1]) {
      const { allowed, states } = await limits.take('write', cost, [counter]);
      seen.push([allowed, states[0]?.remaining]);
    }
    expect(seen).toEqual([
      [true, 40],
      [false, 39],
      [false, 38],
      [true, 0],
      [false, 0],
      [false, 0],
    ]);
  });

  test('one that counts as many and does not fit on one counter counts as one on all (G6)', async () => {
    const [wide, narrow] = [counterOf(10), counterOf(3)];
    expect((await limits.take('write', 5, [wide, narrow])).states.map(({ remaining }) => remaining)).toEqual([9, 2]);
    expect((await limits.take('write', 2, [wide, narrow])).states.map(({ remaining }) => remaining)).toEqual([7, 0]);
  });

  test('a look counts nothing, and is refused where a request would be (G6)', async () => {
    const counter = counterOf(1);
    for (let i = 0; i < 3; i += 1) {
      expect(await limits.take('write', 0, [counter])).toMatchObject({ allowed: true, states: [{ remaining: 1 }] });
    }
    expect((await limits.take('write', 1, [counter])).allowed).toBe(true);
    expect(await limits.take('write', 0, [counter])).toMatchObject({ allowed: false, states: [{ remaining: 0 }] });
  });

  test('each class of routes has a window of its own (G6)', async () => {
    const counter = counterOf(1);
    expect((await limits.take('read', 1, [counter])).allowed).toBe(true);
    expect((await limits.take('read', 1, [counter])).allowed).toBe(false);
    expect((await limits.take('write', 1, [counter])).allowed).toBe(true);
  });

  test('says what is left, and that something is free again within the minute (G6)', async () => {
    const counter = counterOf(3);
    const left: (number | undefined)[] = [];
    for (let i = 0; i < 4; i += 1) {
      const [state] = (await limits.take('read', 1, [counter])).states;
      left.push(state?.remaining);
      expect(state?.freeInMs).toBeGreaterThan(0);
      expect(state?.freeInMs).toBeLessThanOrEqual(60_000);
    }
    expect(left).toEqual([2, 1, 0, 0]);
  });
});

describe('in Redis', () => {
  const limits = createRateLimits(redis, logger);
  const slotNow = async () => Math.floor(Number((await redis.time())[0]) / 6);

  test('a counter lives for one minute (D2)', async () => {
    const counter = counterOf(10);
    await limits.take('read', 1, [counter]);
    expect(counter.key).toMatch(/^user:[\w-]+:rate_limit$/);
    const lifetimeMs = await redis.pttl(counter.key);
    expect(lifetimeMs).toBeGreaterThan(0);
    expect(lifetimeMs).toBeLessThanOrEqual(60_000);
  });

  test('what is older than a minute no longer counts and is swept away; what is younger counts (G6)', async () => {
    const counter = counterOf(10);
    const slot = await slotNow();
    await redis.hset(counter.key, { [`read:${slot - 20}`]: 9, [`write:${slot - 30}`]: 9, [`read:${slot - 4}`]: 4 });
    const { states } = await limits.take('read', 1, [counter]);
    expect(states[0]?.remaining).toBe(5);
    expect(Object.values(await redis.hgetall(counter.key)).sort()).toEqual(['1', '4']);
  });

  test('what a refusal says until something is free is when the oldest request leaves the window (G6)', async () => {
    const counter = counterOf(5);
    const slot = await slotNow();
    await redis.hset(counter.key, { [`read:${slot - 8}`]: 5 });
    await redis.pexpire(counter.key, 60_000);
    const { allowed, states } = await limits.take('read', 1, [counter]);
    expect(allowed).toBe(false);
    expect(states[0]?.freeInMs).toBeLessThanOrEqual(18_000);
  });

  test.each([
    [50, 6_000, 18_000],
    [60, 36_000, 54_000],
    [100, 54_000, 60_000],
  ])('what is refused and counts as %i is told when all of it fits (G6)', async (cost, afterMs, atMostMs) => {
    const counter = counterOf(100);
    const slot = await slotNow();
    await redis.hset(counter.key, { [`write:${slot - 8}`]: 30, [`write:${slot - 2}`]: 40 });
    await redis.pexpire(counter.key, 60_000);
    const { allowed, states } = await limits.take('write', cost, [counter]);
    expect(allowed).toBe(false);
    expect(states[0]?.freeInMs).toBeGreaterThan(afterMs);
    expect(states[0]?.freeInMs).toBeLessThanOrEqual(atMostMs);
  });
});
