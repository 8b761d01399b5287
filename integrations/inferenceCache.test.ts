import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { SessionContent } from '../domain/content.ts';
import type { ModelResult } from '../domain/results.ts';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import { type Asked, createInferenceCache } from './inferenceCache.ts';
import { createRedis } from './redis.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const redis = createRedis(process.env.REDIS_URL ?? '', 'inference-cache-test', logger);
const metrics = createMetrics('test');
const masterKeys = [{ id: 'k1', key: randomBytes(32) }];
const cache = createInferenceCache(redis, metrics, masterKeys, logger);
afterAll(() => redis.quit());

const daySeconds = 24 * 60 * 60;

function asked(changes: Partial<Asked> = {}): Asked {
  const content: SessionContent = {
    sessionType: 'remote_viewing',
    cue: '4711',
    impressions: { words: ['MARKER'] },
    metadata: { note: randomUUID() },
  };
  const computed = { version: '1.0.0', backend: 'wasm', readsWords: true };
  return { sessionId: randomUUID(), userId: randomUUID(), content, ...computed, ...changes };
}

const result: ModelResult = {
  resultType: 'remote_viewing.objects',
  confidenceScore: 0.5,
  data: {
    model: { name: 'remote_viewing', version: '1.0.0', backend: 'wasm' },
    chance: { value: 0.1, meaning: 'One of ten.' },
    summary: 'MARKER',
    limits: 'None.',
    objects: [{ name: 'boat', probability: 0.5 }],
    classes: ['boat'],
  },
};
const analysis = { results: [result], observed: { words: 1 } };

/** Asks the cache, and says whether it had to analyze. */
async function ask(one: Asked, by = cache): Promise<'analyzed' | 'remembered'> {
  let outcome: 'analyzed' | 'remembered' = 'remembered';
  const said = await by.remember(one, () => {
    outcome = 'analyzed';
    return Promise.resolve(analysis);
  });
  expect(said).toEqual(analysis);
  return outcome;
}

/** The keys that a session has in the index, and the index itself. */
async function keysOf(sessionId: string): Promise<string[]> {
  const index = `session:${sessionId}:inferences`;
  return [index, ...(await redis.smembers(index))];
}

describe('what models said before', () => {
  test('is answered from memory for the same content, person, version, backend and encoder, and for no other (M1)', async () => {
    const first = asked();
    expect(await ask(first)).toBe('analyzed');
    expect(await ask({ ...first, sessionId: randomUUID() })).toBe('remembered');
    expect(await ask({ ...first, content: { ...first.content, cue: 'another' } })).toBe('remembered');
    for (const other of [
      { userId: randomUUID() },
      { version: '1.0.1' },
      { backend: 'js' },
      // An answer made without the sentence encoder is not served once the encoder is there.
      { readsWords: false },
      { content: { ...first.content, metadata: { note: 'another' } } },
    ]) {
      expect(await ask({ ...first, ...other })).toBe('analyzed');
    }
  });

  test('lies sealed under a name that tells nothing, for seven days (I5, D2)', async () => {
    const one = asked();
    await ask(one);
    const keys = await keysOf(one.sessionId);
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(await redis.ttl(key)).toBeGreaterThan(7 * daySeconds - 60);
      expect(await redis.ttl(key)).toBeLessThanOrEqual(7 * daySeconds);
    }
    const [, entry = ''] = keys;
    expect(entry).toMatch(/^inference:[\w-]{43}$/);
    expect((await redis.getBuffer(entry))?.includes('MARKER')).toBe(false);
  });

  test('goes with each session that made or used it (I5)', async () => {
    const maker = asked();
    const user = { ...maker, sessionId: randomUUID() };
    await ask(maker);
    await ask(user);
    const keys = await keysOf(user.sessionId);
    expect(await cache.forget(user.sessionId)).toBe(true);
    expect(await redis.exists(...keys)).toBe(0);
    expect(await ask(maker)).toBe('analyzed');
    expect(await cache.forget(randomUUID())).toBe(true);
  });

  test('is analyzed anew when it does not open, or is of another shape', async () => {
    const one = asked();
    await ask(one);
    const [, entry = ''] = await keysOf(one.sessionId);
    await redis.set(entry, 'not sealed by us');
    expect(await ask(one)).toBe('analyzed');
    expect(await ask(one)).toBe('remembered');
  });

  test('is not remembered, and nothing fails, while Redis is gone; a deletion says that it was not done', async () => {
    const gone = createRedis('redis://127.0.0.1:1', 'gone', logger);
    const without = createInferenceCache(gone, metrics, masterKeys, logger);
    const one = asked();
    expect(await ask(one, without)).toBe('analyzed');
    expect(await ask(one, without)).toBe('analyzed');
    expect(await without.forget(one.sessionId)).toBe(false);
    gone.disconnect();
  });

  test('is not kept when the model failed', async () => {
    const one = asked();
    await expect(cache.remember(one, () => Promise.reject(new Error('It broke')))).rejects.toThrow('It broke');
    expect(await ask(one)).toBe('analyzed');
  });
});
