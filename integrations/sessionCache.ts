import type { Redis } from 'ioredis';
import type { z } from 'zod';
import { dayMs, hourMs, minuteMs, secondMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { MasterKey } from '../domain/encryption.ts';
import { createAttempts } from './redis.ts';
import { seal, unseal } from './sealing.ts';

interface CacheKey {
  key: (id: string) => string;
  lifetimeMs: number;
  /** Restricted content is sealed before it goes to Redis (I5). */
  sealed: boolean;
}

/** Every key that is cached in Redis, with how long it lives (D2). */
export const cacheKeys = {
  session: { key: (id) => `session:${id}`, lifetimeMs: dayMs, sealed: true },
  sessionStatus: { key: (id) => `session:${id}:status`, lifetimeMs: hourMs, sealed: false },
  sessionResults: { key: (id) => `session:${id}:results`, lifetimeMs: 7 * dayMs, sealed: true },
  user: { key: (id) => `user:${id}`, lifetimeMs: hourMs, sealed: false },
  userPermissions: { key: (id) => `user:${id}:permissions`, lifetimeMs: 30 * minuteMs, sealed: false },
  systemConfig: { key: () => 'config:system', lifetimeMs: 5 * minuteMs, sealed: false },
  activeModels: { key: () => 'models:active', lifetimeMs: 10 * minuteMs, sealed: false },
  realtimeStats: { key: () => 'stats:realtime', lifetimeMs: 30 * secondMs, sealed: false },
} as const satisfies Record<string, CacheKey>;
export type CacheKind = keyof typeof cacheKeys;

/** Lies for a while where something was forgotten, so that nobody who read it before puts it back. */
const forgotten = { text: 'null', lifetimeMs: minuteMs };

/** Everything that is remembered of PostgreSQL. Counts, ended log-ins and drift are no memory: they are only here. */
const forgettable = [...Object.values(cacheKeys).map(({ key }) => key('*')), 'session:*:inferences', 'inference:*'];

/** One cached text. */
export interface CacheEntry {
  put(text: string | Uint8Array): Promise<void>;
  get(): Promise<string | undefined>;
  /** The text as it lies there, for whoever hands it on. */
  getBytes(): Promise<Buffer | undefined>;
  /**
   * What is cached, or what `read` brings where nothing is; null is not cached. Of many who ask this process at once,
   * one reads. What was put while it read stays, since it is newer, and what was forgotten meanwhile does not come back.
   */
  load<T>(schema: z.ZodType<T>, read: () => Promise<T | null>): Promise<T | null>;
  forget(): Promise<void>;
}

/**
 * The cache (D2). It never fails its caller: while Redis is gone every read misses and every write is dropped, both
 * counted; PostgreSQL and object storage hold the truth. Each call is one round trip.
 */
export interface SessionCache {
  putSession(id: string, entry: Uint8Array): Promise<void>;
  getSession(id: string): Promise<Buffer | undefined>;
  putStatus(id: string, status: string): Promise<void>;
  getStatus(id: string): Promise<string | undefined>;
  putResults(id: string, entry: Uint8Array): Promise<void>;
  getResults(id: string): Promise<Buffer | undefined>;
  /** Drops all three of a session. Says whether Redis did it: what must not be read again cannot rely on a dropped call. */
  forget(id: string): Promise<boolean>;
  /** Drops whatever is remembered of what PostgreSQL holds, after that became another. Throws when Redis does not. */
  forgetEverything(): Promise<void>;
  /** Any key of the table; `id` names whose it is, where the key is somebody's. */
  cacheEntry(kind: CacheKind, id?: string): CacheEntry;
}

/** @param masterKeys seal what is Restricted; the first seals, all open */
export function createSessionCache(
  redis: Redis,
  metrics: Pick<Metrics, 'cacheRead' | 'cacheWritesDroppedTotal'>,
  masterKeys: readonly MasterKey[],
  logger: Logger,
): SessionCache {
  const attempt = createAttempts(redis, logger, 'the cache does not work; going on without it');

  async function write(call: () => Promise<unknown>): Promise<boolean> {
    const { done } = await attempt(call);
    if (!done) metrics.cacheWritesDroppedTotal.inc();
    return done;
  }

  /** What is being read right now because it was not cached, by its key. */
  const underWay = new Map<string, Promise<string | null>>();

  function cacheEntry(kind: CacheKind, id = ''): CacheEntry {
    const { key: nameOf, lifetimeMs, sealed } = cacheKeys[kind];
    const key = nameOf(id);
    const stored = async (text: string | Uint8Array) => {
      const bytes = Buffer.from(text);
      return sealed ? seal(bytes, key, masterKeys) : bytes;
    };

    const entry: CacheEntry = {
      async put(text) {
        await write(async () => redis.set(key, await stored(text), 'PX', lifetimeMs));
      },
      async load(schema, read) {
        const cached = await entry.get();
        // A release before this one may have written another form.
        const known = cached === undefined ? undefined : schema.safeParse(JSON.parse(cached)).data;
        if (known !== undefined) return known;
        const reading =
          underWay.get(key) ??
          readOnce(async () => {
            const value = await read();
            if (value === null) return null;
            const text = JSON.stringify(value);
            if (cached === undefined)
              await write(async () => redis.set(key, await stored(text), 'PX', lifetimeMs, 'NX'));
            else await entry.put(text);
            return text;
          });
        const text = await reading;
        return text === null ? null : schema.parse(JSON.parse(text));
      },
      async get() {
        return (await entry.getBytes())?.toString('utf8');
      },
      async getBytes() {
        const read = await attempt(async () => {
          const value = await redis.getBuffer(key);
          return value === null || !sealed ? value : unseal(value, key, masterKeys);
        });
        const found = read.done ? (read.value ?? undefined) : undefined;
        const bytes = found?.equals(Buffer.from(forgotten.text)) === true ? undefined : found;
        metrics.cacheRead(bytes === undefined ? 'miss' : 'hit');
        return bytes;
      },
      async forget() {
        await write(async () => redis.set(key, await stored(forgotten.text), 'PX', forgotten.lifetimeMs));
      },
    };
    return entry;

    function readOnce(read: () => Promise<string | null>): Promise<string | null> {
      const reading = read().finally(() => underWay.delete(key));
      underWay.set(key, reading);
      return reading;
    }
  }

  return {
    putSession: (id, bytes) => cacheEntry('session', id).put(bytes),
    getSession: (id) => cacheEntry('session', id).getBytes(),
    putStatus: (id, status) => cacheEntry('sessionStatus', id).put(status),
    getStatus: (id) => cacheEntry('sessionStatus', id).get(),
    putResults: (id, bytes) => cacheEntry('sessionResults', id).put(bytes),
    getResults: (id) => cacheEntry('sessionResults', id).getBytes(),
    forget: (id) =>
      write(() =>
        redis.unlink(cacheKeys.session.key(id), cacheKeys.sessionStatus.key(id), cacheKeys.sessionResults.key(id)),
      ),
    async forgetEverything() {
      for (const match of forgettable) {
        for await (const found of redis.scanStream({ match, count: 1_000 }) as AsyncIterable<string[]>) {
          const keys = found.filter((key) => !key.endsWith(':rate_limit'));
          if (keys.length > 0) await redis.unlink(...keys);
        }
      }
    },
    cacheEntry,
  };
}
