import { createHmac, hkdfSync } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { SessionContent } from '../domain/content.ts';
import { modelResultSchema } from '../domain/results.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { MasterKey } from '../domain/encryption.ts';
import { createAttempts } from './redis.ts';
import { seal, unseal } from './sealing.ts';
import { cacheKeys } from './sessionCache.ts';

const analysisSchema = z.object({ results: z.array(modelResultSchema), observed: z.record(z.string(), z.number()) });
type Analysis = z.infer<typeof analysisSchema>;

/** A session that asks a version of a model, as it computes here. */
export interface Asked {
  readonly sessionId: string;
  readonly userId: string;
  readonly content: SessionContent;
  readonly version: string;
  readonly backend: string;
  /** Whether words are analyzed: what is said without them must not be told once they are. */
  readonly readsWords: boolean;
}

/**
 * What models said lately, by content and version, so that the same question costs a network once. An entry is found by
 * a keyed hash of everything that the answer depends on and of the person, so nobody is answered from what another
 * recorded; it is sealed, since results are Restricted (I5), and lives as long as cached results do. Each session keeps
 * a list of the entries that it made or used, by which its erasure drops them.
 */
export interface InferenceCache {
  /** What was found before, or else what `analyze` finds now. Without Redis it analyzes. */
  remember(asked: Asked, analyze: () => Promise<Analysis>): Promise<Analysis>;
  /** Drops what a session has put here. Says whether Redis did it. */
  forget(sessionId: string): Promise<boolean>;
}

/** @param masterKeys seal the entries, and key the hash that names them; the first seals, all open */
export function createInferenceCache(
  redis: Redis,
  metrics: Pick<Metrics, 'inferenceCacheReadsTotal'>,
  masterKeys: readonly MasterKey[],
  logger: Logger,
): InferenceCache {
  const attempt = createAttempts(redis, logger, 'results are not cached; going on without');
  const { lifetimeMs } = cacheKeys.sessionResults;
  const hashKey = Buffer.from(hkdfSync('sha256', masterKeys[0]?.key ?? '', '', 'inference cache', 32));

  function entryKey({ userId, content, version, backend, readsWords }: Asked): string {
    const { sessionType, impressions, metadata } = content;
    const asked = JSON.stringify([userId, sessionType, version, backend, readsWords, impressions, metadata]);
    return `inference:${createHmac('sha256', hashKey).update(asked).digest('base64url')}`;
  }

  async function find(key: string): Promise<Analysis | undefined> {
    const read = await attempt(async () => {
      const sealed = await redis.getBuffer(key);
      if (sealed === null) return undefined;
      const json = Buffer.from(await unseal(sealed, key, masterKeys)).toString('utf8');
      return analysisSchema.parse(JSON.parse(json));
    });
    return read.done ? read.value : undefined;
  }

  return {
    async remember(asked, analyze) {
      const key = entryKey(asked);
      const found = await find(key);
      metrics.inferenceCacheReadsTotal.inc({ outcome: found === undefined ? 'miss' : 'hit' });
      const analysis = found ?? (await analyze());
      await attempt(async () => {
        const index = indexKey(asked.sessionId);
        const writing = redis.multi().sadd(index, key).pexpire(index, lifetimeMs);
        if (found === undefined) {
          const sealed = await seal(Buffer.from(JSON.stringify(analysis)), key, masterKeys);
          writing.set(key, Buffer.from(sealed), 'PX', lifetimeMs);
        }
        await writing.exec();
      });
      return analysis;
    },

    async forget(sessionId) {
      const index = indexKey(sessionId);
      const { done } = await attempt(async () => {
        await redis.unlink(index, ...(await redis.smembers(index)));
      });
      return done;
    },
  };
}

function indexKey(sessionId: string): string {
  return `session:${sessionId}:inferences`;
}
