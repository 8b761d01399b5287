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
  /** When at least one that was used is free again; where it refused, when what was asked for fits. */
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
  /**
   * Counts a request as `cost` requests on all counters at once. Where that does not fit on one of them, it is refused,
   * and counts as one on all of them if that fits, else on none. A cost of 0 only looks: it is refused where one would
   * be. It never fails.
   */
  take(rateClass: RateClass, cost: number, counters: readonly RateCounter[]): Promise<RateDecision>;
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
 * whether the request passes, and of each counter how many are used now and the `freeInMs` of its state.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot = math.floor(now / ${slotMs})
local cost = tonumber(ARGV[2])
local fields = {}
for back = 0, ${slots - 1} do fields[back + 1] = ARGV[1] .. ':' .. (slot - back) end

local windows = {}
local room = math.huge
for i, key in ipairs(KEYS) do
  local counts, used, limit = redis.call('HMGET', key, unpack(fields)), 0, tonumber(ARGV[i + 2])
  for _, count in ipairs(counts) do
    if count then used = used + count end
  end
  windows[i] = { counts, used, limit }
  room = math.min(room, limit - used)
end
local passes = room >= math.max(cost, 1)
local charge = passes and cost or 0
if not passes and cost > 1 and room >= 1 then charge = 1 end

local answer = { passes and 1 or 0 }
for i, key in ipairs(KEYS) do
  local counts, before, limit = unpack(windows[i])
  local used = before + charge
  counts[1] = (counts[1] or 0) + charge
  local lifetime = ${rateWindowMs}
  if charge == 0 then
    local left = redis.call('PTTL', key)
    if left >= 0 then lifetime = left end
  else
    if redis.call('HINCRBY', key, fields[1], charge) == charge then
      for _, field in ipairs(redis.call('HKEYS', key)) do
        if tonumber(string.match(field, '%d+$')) <= slot - ${slots} then redis.call('HDEL', key, field) end
      end
    end
    redis.call('PEXPIRE', key, ${rateWindowMs})
  end
  local lacking = passes and 1 or math.max(1, used + math.max(cost, 1) - limit)
  local back = ${slots}
  while lacking > 0 and back > 0 do
    back = back - 1
    lacking = lacking - (counts[back + 1] or 0)
  end
  answer[2 * i] = used
  answer[2 * i + 1] = math.min((slot - back + ${slots}) * ${slotMs} - now, lifetime)
end
return answer`;

declare module 'ioredis' {
  interface RedisCommander<Context extends ClientContext> {
    /** The script, of which Redis is sent no more than the name once it knows it. */
    countRequest(keyCount: number, ...keysAndTerms: (string | number)[]): Result<unknown, Context>;
  }
}

const answerSchema = z.array(z.int());

/** Counts in Redis, and in this process while Redis does not answer. */
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
    async take(rateClass, cost, counters) {
      const keys = counters.map(({ key }) => key);
      const limits = counters.map(({ limit }) => limit);
      const asked = await attempt(async () =>
        answerSchema.parse(await redis.countRequest(keys.length, ...keys, rateClass, cost, ...limits)),
      );
      const [passed = 0, ...facts] = asked.done ? asked.value : local.take(rateClass, cost, counters);
      const countedBy = asked.done ? 'redis' : 'process';
      say(countedBy);
      const allowed = passed === 1;
      const states = limits.map((limit, i) => ({
        remaining: Math.max(0, limit - (facts[2 * i] ?? 0)),
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
    take(rateClass: RateClass, cost: number, counters: readonly RateCounter[]): number[] {
      const now = Date.now();
      const slot = Math.floor(now / slotMs);
      const windows = counters.map(({ key, limit }) => {
        const name = `${key}:${rateClass}`;
        const counts = countsOf(name, slot - slots + 1);
        return { name, counts, limit, used: [...counts.values()].reduce((sum, count) => sum + count, 0) };
      });
      const room = Math.min(...windows.map(({ limit, used }) => limit - used));
      const passes = room >= Math.max(cost, 1);
      const charge = passes ? cost : Number(cost > 1 && room >= 1);
      const facts = windows.flatMap(({ name, counts, limit, used: before }) => {
        const used = before + charge;
        if (charge > 0) kept.set(name, counts.set(slot, (counts.get(slot) ?? 0) + charge));
        const lacking = passes ? 1 : Math.max(1, used + Math.max(cost, 1) - limit);
        return [used, Math.min(((slotThatFrees(counts, lacking) ?? slot) + slots) * slotMs - now, rateWindowMs)];
      });
      return [passes ? 1 : 0, ...facts];
    },
  };
}

/** The slot with whose end so many are free that were lacking: all that is older goes before it. */
function slotThatFrees(counts: ReadonlyMap<number, number>, lacking: number): number | undefined {
  let left = lacking;
  for (const [slot, count] of [...counts].sort(([one], [other]) => one - other)) {
    left -= count;
    if (left <= 0) return slot;
  }
  return undefined;
}
