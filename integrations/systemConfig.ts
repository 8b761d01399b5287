import { z } from 'zod';
import { defaultSystemConfig, withChanges, type SystemChanges, type SystemConfig } from '../domain/systemConfig.ts';
import { minuteMs, secondMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import type { SessionCache } from './sessionCache.ts';

/** The configuration that counts now (`config:system`, D2), for whoever asks it with every request. */
export interface SystemConfigReader {
  /**
   * As it was at most a second ago while requests come in, and never older than five minutes; the newest one known
   * when it cannot be read. It never fails.
   */
  current(): Promise<SystemConfig>;
  /** Tells every process of a change. */
  remember(changes: SystemChanges): Promise<void>;
}

interface ReaderDeps {
  cache: SessionCache;
  /** What operators changed, from where the truth is. */
  readChanges: () => Promise<SystemChanges>;
  logger: Logger;
}

/** What each change may be, `withChanges` knows, also of those that another release wrote. */
const changesSchema = z.record(z.string(), z.unknown());

const freshMs = secondMs;
const goodMs = 5 * minuteMs;

/** What was read is good for a second, and for five minutes while neither Redis nor PostgreSQL answers. */
export function createSystemConfigReader({ cache, readChanges, logger }: ReaderDeps): SystemConfigReader {
  const entry = cache.cacheEntry('systemConfig');
  let known: { config: SystemConfig; atMs: number } | undefined;
  let underWay: Promise<SystemConfig> | undefined;
  let failing = false;

  function keep(config: SystemConfig): SystemConfig {
    known = { config, atMs: Date.now() };
    return config;
  }

  async function read(): Promise<SystemConfig> {
    return withChanges(await entry.load(changesSchema, readChanges));
  }

  async function readOrKeep(): Promise<SystemConfig> {
    try {
      const config = await read();
      failing = false;
      return config;
    } catch (error) {
      if (!failing) logger.error({ error }, 'the system configuration cannot be read; going on with the last one');
      failing = true;
      return known?.config ?? defaultSystemConfig;
    }
  }

  /** One reading at a time, however many ask. */
  function renew(): Promise<SystemConfig> {
    underWay ??= readOrKeep()
      .then(keep)
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  }

  return {
    async current() {
      const ageMs = known === undefined ? Infinity : Date.now() - known.atMs;
      if (ageMs < freshMs && known !== undefined) return known.config;
      const renewed = renew();
      return ageMs < goodMs && known !== undefined ? known.config : renewed;
    },
    async remember(changes) {
      keep(withChanges(changes));
      await entry.put(JSON.stringify(changes));
    },
  };
}
