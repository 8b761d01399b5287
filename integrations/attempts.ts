import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { hourMs, minuteMs, secondMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import { createAttempts as createRedisAttempts } from './redis.ts';

/** What is attempted, and by which measure: an account is one person's, an address may be a whole school's. */
const freeAttempts = { account: 5, address: 50 } as const;
export type AttemptScope = keyof typeof freeAttempts;

/** One counter: `name` is a hash or an id, never an e-mail or an address itself. */
export interface AttemptCounter {
  scope: AttemptScope;
  name: string;
}

/** No delay is longer, so nobody can lock an owner out for good; and by a link in a mail the owner gets in at once. */
const longestDelayMs = 15 * minuteMs;
/** What was attempted longer ago is forgotten. */
const rememberedMs = hourMs;

/**
 * Counts attempts to open an account, and lets each wait longer than the one before: the first few are free, then the
 * delay doubles from a second to a quarter of an hour. An attempt is counted before it is made, so that a thousand at
 * once are not a thousand tries; one that is refused is not counted. While Redis is gone, each process counts its own.
 */
export interface Attempts {
  /** Counts an attempt by all of these counters; answers how long it has to wait instead, or 0. */
  begin(counters: readonly AttemptCounter[]): Promise<number>;
  /** What was attempted was right: the account's count begins anew, and the address gets back the one it spent. */
  succeed(counters: readonly AttemptCounter[]): Promise<void>;
}

/** How long after attempt `count` the next one has to wait, in milliseconds. */
export function delayAfter(scope: AttemptScope, count: number): number {
  const beyond = count - freeAttempts[scope];
  return beyond < 0 ? 0 : Math.min(longestDelayMs, secondMs * 2 ** Math.min(beyond, 20));
}

/** The same in Lua: all counters are asked, and counted only if none has to wait. */
const beginScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = 0
for i, key in ipairs(KEYS) do
  local kept = redis.call('HMGET', key, 'count', 'at')
  local beyond = tonumber(kept[1] or 0) - tonumber(ARGV[i + 2])
  if beyond >= 0 then
    local delay = math.min(tonumber(ARGV[1]), ${secondMs} * 2 ^ math.min(beyond, 20))
    wait = math.max(wait, tonumber(kept[2]) + delay - now)
  end
end
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, 'count', 1)
  redis.call('HSET', key, 'at', now)
  redis.call('PEXPIRE', key, ARGV[2])
end
return 0`;

function keyOf({ scope, name }: AttemptCounter): string {
  return `attempts:${scope}:${name}`;
}

/** `nowMs` is the clock of the local count, given by tests that let time pass. */
export function createAttempts(redis: Redis, logger: Logger, nowMs: () => number = Date.now): Attempts {
  const attempt = createRedisAttempts(
    redis,
    logger,
    'attempts cannot be counted in Redis; each process counts its own',
  );
  const local = createLocalAttempts(nowMs);
  return {
    async begin(counters) {
      const counted = await attempt(() =>
        redis.eval(
          beginScript,
          counters.length,
          ...counters.map(keyOf),
          longestDelayMs,
          rememberedMs,
          ...counters.map(({ scope }) => freeAttempts[scope]),
        ),
      );
      return counted.done ? Number(counted.value) : local.begin(counters);
    },
    async succeed(counters) {
      local.succeed(counters);
      await attempt(() =>
        Promise.all(
          counters.map((counter) =>
            counter.scope === 'account' ? redis.unlink(keyOf(counter)) : redis.hincrby(keyOf(counter), 'count', -1),
          ),
        ),
      );
    },
  };
}

const mostLocalCounters = 100_000;

function createLocalAttempts(nowMs: () => number) {
  const kept = new LRUCache<string, { count: number; at: number }>({ max: mostLocalCounters });
  const countOf = (counter: AttemptCounter) => {
    const found = kept.get(keyOf(counter));
    return found === undefined || found.at + rememberedMs < nowMs() ? { count: 0, at: 0 } : found;
  };
  return {
    begin(counters: readonly AttemptCounter[]): number {
      const waits = counters.map((counter) => {
        const { count, at } = countOf(counter);
        return at + delayAfter(counter.scope, count) - nowMs();
      });
      const wait = Math.max(0, ...waits);
      if (wait > 0) return wait;
      for (const counter of counters) kept.set(keyOf(counter), { count: countOf(counter).count + 1, at: nowMs() });
      return 0;
    },
    succeed(counters: readonly AttemptCounter[]): void {
      for (const counter of counters) {
        const { count, at } = countOf(counter);
        if (counter.scope === 'account') kept.delete(keyOf(counter));
        else kept.set(keyOf(counter), { count: Math.max(0, count - 1), at });
      }
    },
  };
}
