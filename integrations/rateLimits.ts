import type { ClientContext, Redis, Result } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { RateClass } from '../domain/tiers.ts';
import { minuteMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import { createAttempts } from './redis.ts';

/** Whose requests are counted, and the most that they may be in a minute. */
export interface RateCounter {
  key: string;
  limit: number;
}

/** How a counter stands once the request was counted or refused. */
export interface RateState {
  /** How many requests are left. */
  remaining: number;
  /** When at least one that was used is free again. */
  freeInMs: number;
}

export interface RateDecision {
  allowed: boolean;
  /** In the order of the counters. */
  states: RateState[];
  /** `process`: Redis did not answer, and this process counted for itself alone. */
  countedBy: 'redis' | 'process';
}

/** Counts requests of the last minute, for all processes together (G6). */
export interface RateLimits {
  /** Counts one request on all counters at once, or on none where one of them is used up. It never fails. */
  take(rateClass: RateClass, counters: readonly RateCounter[]): Promise<RateDecision>;
}

/** Where requests are counted, each for one minute (D2). */
export const rateLimitKeys = {
  user: (id: string) => `user:${id}:rate_limit`,
  key: (id: string) => `key:${id}:rate_limit`,
  address: (address: string) => `address:${address}:rate_limit`,
};

export const rateWindowMs = minuteMs;

/**
 * The window slides in steps: a request is counted in its slot of six seconds, and the slots of the last minute, the
 * one that is half gone included, are added up. So no minute ever sees more than the limit.
 */
const slotMs = 6_000;
const slots = rateWindowMs / slotMs + 1;

/**
 * One call for all counters of a request, so that nothing comes between looking and counting, however many processes
 * ask. A counter is a hash of slots with one lifetime; the time is Redis's own, which all processes share. Returns
 * whether the request passes, and of each counter how many were used before and in how many milliseconds one is free.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot = math.floor(now / ${slotMs})
local fields = {}
for back = 0, ${slots - 1} do fields[back + 1] = ARGV[1] .. ':' .. (slot - back) end

local answer = {1}
for i, key in ipairs(KEYS) do
  local used, oldest = 0, 0
  for place, count in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if count then
      used = used + count
      oldest = place - 1
    end
  end
  if used >= tonumber(ARGV[i + 1]) then answer[1] = 0 end
  answer[2 * i] = used
  answer[2 * i + 1] = (slot - oldest + ${slots}) * ${slotMs} - now
end

for i, key in ipairs(KEYS) do
  if answer[1] == 1 then
    if redis.call('HINCRBY', key, fields[1], 1) == 1 then
      for _, field in ipairs(redis.call('HKEYS', key)) do
        if tonumber(string.match(field, '%d+$')) <= slot - ${slots} then redis.call('HDEL', key, field) end
      end
    end
    redis.call('PEXPIRE', key, ${rateWindowMs})
    answer[2 * i + 1] = math.min(answer[2 * i + 1], ${rateWindowMs})
  else
    local lifetime = redis.call('PTTL', key)
    if lifetime >= 0 then answer[2 * i + 1] = math.min(answer[2 * i + 1], lifetime) end
  end
end
return answer`;

declare module 'ioredis' {
  interface RedisCommander<Context extends ClientContext> {
    /** The script, of which Redis is sent no more than the name once it knows it. */
    countRequest(keyCount: number, ...keysAndTerms: (string | number)[]): Result<unknown, Context>;
  }
}

const answerSchema = z.array(z.int());

export function createRateLimits(redis: Redis, logger: Logger): RateLimits {
  redis.defineCommand('countRequest', { lua: script });
  const attempt = createAttempts(redis, logger, 'Redis did not count a request');
  const local = createLocalCounters();
  let counting: RateDecision['countedBy'] = 'redis';

  /** Says once that Redis no longer counts, and once that it does again. */
  function say(countedBy: RateDecision['countedBy']): void {
    if (countedBy === counting) return;
    counting = countedBy;
    if (countedBy === 'redis') logger.info('requests are counted by Redis again');
    else logger.warn('requests are counted by this process alone');
  }

  return {
    async take(rateClass, counters) {
      const keys = counters.map(({ key }) => key);
      const limits = counters.map(({ limit }) => limit);
      const asked = await attempt(async () =>
        answerSchema.parse(await redis.countRequest(keys.length, ...keys, rateClass, ...limits)),
      );
      const [passed = 0, ...facts] = asked.done ? asked.value : local.take(rateClass, counters);
      const countedBy = asked.done ? 'redis' : 'process';
      say(countedBy);
      const allowed = passed === 1;
      const states = limits.map((limit, i) => ({
        remaining: Math.max(0, limit - (facts[2 * i] ?? 0) - (allowed ? 1 : 0)),
        freeInMs: facts[2 * i + 1] ?? 0,
      }));
      return { allowed, states, countedBy };
    },
  };
}

/** The most counters that one process holds; the least recently used are forgotten first. */
const maxLocalCounters = 100_000;

/** The same count in this process, in the form of the script's answer. */
function createLocalCounters() {
  const kept = new LRUCache<string, Map<number, number>>({ max: maxLocalCounters, ttl: rateWindowMs });

  function countsOf(name: string, oldestSlot: number): Map<number, number> {
    const counts = kept.get(name) ?? new Map<number, number>();
    for (const slot of counts.keys()) if (slot < oldestSlot) counts.delete(slot);
    return counts;
  }

  return {
    take(rateClass: RateClass, counters: readonly RateCounter[]): number[] {
      const now = Date.now();
      const slot = Math.floor(now / slotMs);
      const windows = counters.map(({ key, limit }) => {
        const name = `${key}:${rateClass}`;
        const counts = countsOf(name, slot - slots + 1);
        const used = [...counts.values()].reduce((sum, count) => sum + count, 0);
        const oldest = Math.min(slot, ...counts.keys());
        return { name, counts, limit, used, freeInMs: Math.min((oldest + slots) * slotMs - now, rateWindowMs) };
      });
      const allowed = windows.every(({ used, limit }) => used < limit);
      if (allowed) {
        for (const { name, counts } of windows) kept.set(name, counts.set(slot, (counts.get(slot) ?? 0) + 1));
      }
      return [allowed ? 1 : 0, ...windows.flatMap(({ used, freeInMs }) => [used, freeInMs])];
    },
  };
}
