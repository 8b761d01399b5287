import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LiveEvent } from '../domain/events.ts';
import { createLogger } from '../observability/logger.ts';
import { until } from '../tests/until.ts';
import { createLiveStream } from './liveStream.ts';
import { createRedis } from './redis.ts';

const lines: string[] = [];
const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
const redis = createRedis(process.env.REDIS_URL ?? '', `live-test-${randomUUID()}`, logger);
const live = createLiveStream(redis, logger);
afterAll(() => redis.quit());
beforeEach(() => {
  lines.length = 0;
});

const userId = randomUUID();
const eventOf = (sessionId: string, seq: number): LiveEvent => ({
  userId,
  update: {
    type: 'session_update',
    sessionId,
    data: { seq, event: 'analysis_started', status: 'analyzing', step: 'analyze', progress: 0.25, attempt: 1 },
    timestamp: '2026-11-23T12:00:00.000Z',
  },
});

/** Reads on until told to stop; `seen(n)` resolves when n updates of the session have come. */
async function startReading(sessionId: string, onEvent: (event: LiveEvent) => void = () => undefined) {
  const stop = new AbortController();
  const events: LiveEvent[] = [];
  let check: () => void = () => undefined;
  const started = Promise.withResolvers<undefined>();
  const reading = live.read({
    signal: stop.signal,
    onStart: () => {
      started.resolve(undefined);
    },
    onEvent: (event) => {
      if (event.update.sessionId !== sessionId) return;
      events.push(event);
      check();
      onEvent(event);
    },
  });
  await started.promise;
  const seen = (count: number) =>
    new Promise<void>((resolve) => {
      check = () => {
        if (events.length >= count) resolve();
      };
      check();
    });
  const end = async () => {
    stop.abort();
    await reading;
  };
  return { events, seen, end };
}

describe('The live stream', () => {
  test('hands every update over in order, to every reader (G4)', async () => {
    const id = randomUUID();
    const readers = [await startReading(id), await startReading(id)];
    const sent = Array.from({ length: 600 }, (_, i) => eventOf(id, i + 1));
    await Promise.all(sent.map((event) => live.publish(event)));
    for (const reader of readers) {
      await reader.seen(600);
      expect(reader.events).toEqual(sent);
      await reader.end();
    }
  });

  test('starts with what is published from now on (G4)', async () => {
    const id = randomUUID();
    await live.publish(eventOf(id, 1));
    const reader = await startReading(id);
    await live.publish(eventOf(id, 2));
    await reader.seen(1);
    expect(reader.events.map(({ update }) => update.data.seq)).toEqual([2]);
    await reader.end();
  });

  test('goes on where it was after its connection was cut (G4)', async () => {
    const id = randomUUID();
    const reader = await startReading(id);
    await live.publish(eventOf(id, 1));
    await reader.seen(1);
    const name = `${redis.options.connectionName ?? ''}-live`;
    // Redis hears a moment later that the readers before this one have gone.
    const cut = await until(
      async () =>
        String(await redis.call('CLIENT', 'LIST'))
          .split('\n')
          .filter((client) => client.includes(`name=${name} `)),
      (clients) => clients.length === 1,
    );
    for (const client of cut) await redis.call('CLIENT', 'KILL', 'ID', /^id=(\d+)/.exec(client)?.[1] ?? '');
    await live.publish(eventOf(id, 2));
    await live.publish(eventOf(id, 3));
    await reader.seen(3);
    expect(reader.events.map(({ update }) => update.data.seq)).toEqual([1, 2, 3]);
    await reader.end();
  });

  test('goes on after an entry it cannot read and after a reader that fails on one (G4)', async () => {
    const id = randomUUID();
    const reader = await startReading(id, ({ update }) => {
      if (update.data.seq === 1) throw new Error('this reader failed');
    });
    await redis.xadd('live:sessions', '*', 'user', userId, 'update', '{"type":"something else"}');
    await redis.xadd('live:sessions', '*', 'other', 'field');
    await live.publish(eventOf(id, 1));
    await live.publish(eventOf(id, 2));
    await reader.seen(2);
    expect(lines.filter((line) => line.includes('an entry of the live stream cannot be read'))).toHaveLength(2);
    expect(lines.filter((line) => line.includes('a live update could not be handed on'))).toHaveLength(1);
    await reader.end();
  });

  test('reads nothing when it was ended before', async () => {
    await live.read({ signal: AbortSignal.abort(), onEvent: () => undefined });
  });

  test('goes on after Redis refused a read', async () => {
    const url = new URL(process.env.REDIS_URL ?? '');
    url.pathname = '/9';
    const other = createRedis(url.href, `live-other-${randomUUID()}`, logger);
    await other.set('live:sessions', 'not a stream');
    const stop = new AbortController();
    const started = Promise.withResolvers<undefined>();
    const otherLive = createLiveStream(other, logger);
    const reading = otherLive.read({
      signal: stop.signal,
      onEvent: () => undefined,
      onStart: () => {
        started.resolve(undefined);
      },
    });
    await otherLive.publish(eventOf(randomUUID(), 1));
    await until(() => lines.some((line) => line.includes('reading the live stream failed')));
    await other.del('live:sessions');
    await started.promise;
    stop.abort();
    await reading;
    expect(lines.filter((line) => line.includes('live updates are not passed on'))).toHaveLength(1);
    await other.quit();
  });
});
