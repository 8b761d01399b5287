import type { Redis } from 'ioredis';
import { dayMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import { watchReachability } from './redis.ts';

/** How long counts are kept, and so how far back drift can be looked at. */
export const keptDays = 30;

interface VersionName {
  name: string;
  version: string;
}

/** How many sessions fell into each bin, by what was observed. */
export type BinCounts = Readonly<Record<string, readonly number[]>>;

/**
 * How what a model observes is distributed lately: counts by bin and day, and nothing else, so that no session can be
 * told from them. They live in Redis alone; what is lost with it comes again with the next sessions.
 */
export interface DriftCounts {
  /** Counts one session, whose observed numbers fell into these bins. Never rejects. */
  add(model: VersionName, bins: Readonly<Record<string, number>>): Promise<void>;
  /** The counts of the last days, today included; null while Redis is gone. */
  read(model: VersionName, days: number): Promise<BinCounts | null>;
}

/** `nowMs` is the clock, given by tests that let days pass. */
export function createDriftCounts(redis: Redis, logger: Logger, nowMs: () => number = Date.now): DriftCounts {
  const reachability = watchReachability(redis);
  const keyOf = ({ name, version }: VersionName, daysAgo: number) =>
    `drift:${name}:${version}:${new Date(nowMs() - daysAgo * dayMs).toISOString().slice(0, 10)}`;

  return {
    async add(model, bins) {
      if (reachability.isGone()) return;
      const key = keyOf(model, 0);
      const counting = redis.multi();
      for (const [feature, bin] of Object.entries(bins)) counting.hincrby(key, `${feature}:${bin}`, 1);
      try {
        await counting.pexpire(key, keptDays * dayMs).exec();
      } catch (error) {
        logger.warn({ error }, 'a session was not counted for drift');
      }
    },

    async read(model, days) {
      if (reachability.isGone()) return null;
      try {
        const keys = Array.from({ length: days }, (_, daysAgo) => keyOf(model, daysAgo));
        return sumOf(await Promise.all(keys.map((key) => redis.hgetall(key))));
      } catch (error) {
        logger.warn({ error }, 'drift could not be read');
        return null;
      }
    },
  };
}

function sumOf(days: readonly Record<string, string>[]): BinCounts {
  const sums: Record<string, number[]> = {};
  for (const [field, count] of days.flatMap((day) => Object.entries(day))) {
    const [, feature = '', bin = ''] = /^(.*):(\d+)$/.exec(field) ?? [];
    const counts = (sums[feature] ??= []);
    // A bin that nobody fell into has no field; its place is filled all the same.
    while (counts.length <= Number(bin)) counts.push(0);
    counts[Number(bin)] = (counts[Number(bin)] ?? 0) + Number(count);
  }
  return sums;
}
