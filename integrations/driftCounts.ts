import type { Redis } from 'ioredis';
import { dayMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import { createAttempts } from './redis.ts';

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
  const attempt = createAttempts(redis, logger, 'drift is not counted; going on without');
  const keyOf = ({ name, version }: VersionName, daysAgo: number) =>
    `drift:${name}:${version}:${new Date(nowMs() - daysAgo * dayMs).toISOString().slice(0, 10)}`;

  return {
    async add(model, bins) {
      await attempt(() => {
        const key = keyOf(model, 0);
        const counting = redis.multi();
        for (const [feature, bin] of Object.entries(bins)) counting.hincrby(key, `${feature}:${bin}`, 1);
        return counting.pexpire(key, keptDays * dayMs).exec();
      });
    },

    async read(model, days) {
      const keys = Array.from({ length: days }, (_, daysAgo) => keyOf(model, daysAgo));
      const counted = await attempt(() => Promise.all(keys.map((key) => redis.hgetall(key))));
      return counted.done ? sumOf(counted.value) : null;
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
