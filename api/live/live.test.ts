import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { recordStep, type StepRecord } from '../../db/sessionSteps.ts';
import { toSessionUpdate, type SessionUpdate } from '../../domain/events.ts';
import { openStatuses, type SessionStatus } from '../../domain/session.ts';
import { startTestApi, type TestApi, type TestUser } from '../../tests/api.ts';
import { newSession } from '../../tests/database.ts';
import { goodClaims, ourSigningKey, signedToken } from '../../tests/tokens.ts';

let apis: [TestApi, TestApi];
let user: TestUser;
let stranger: TestUser;
const sockets: Socket[] = [];

beforeAll(async () => {
  apis = [await startTestApi(), await startTestApi()];
  [user, stranger] = await Promise.all([apis[0].newUser(), apis[0].newUser()]);
});
afterEach(() => {
  sockets.splice(0).forEach((socket) => socket.disconnect());
});
afterAll(() => Promise.all(apis.map((api) => api.close())));

interface Client {
  socket: Socket;
  updates: SessionUpdate[];
  subscribe(sessionId: unknown, after?: unknown): Promise<{ ok: boolean; lastSeq?: number; error?: { code: string } }>;
  /** Waits until this many updates have come; jest's own limit ends a wait that is in vain. */
  until(count: number): Promise<SessionUpdate[]>;
}

async function connect(token: string | undefined, api: TestApi = apis[0]): Promise<Client> {
  const socket = io(api.url, {
    path: '/v1/ws',
    transports: ['websocket'],
    auth: token === undefined ? {} : { token },
    forceNew: true,
    reconnection: false,
  });
  sockets.push(socket);
  const updates: SessionUpdate[] = [];
  socket.on('session_update', (update: SessionUpdate) => updates.push(update));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return {
    socket,
    updates,
    subscribe: (sessionId, after) =>
      socket.emitWithAck('subscribe', after === undefined ? { sessionId } : { sessionId, after }) as never,
    async until(count) {
      while (updates.length < count) await new Promise((resolve) => socket.once('session_update', resolve));
      return updates;
    },
  };
}

/** Takes a session on by one event, as a step does; `told` passes it on through Redis. */
async function step(sessionId: string, status: SessionStatus, told = true): Promise<void> {
  const record: StepRecord = { sessionId, from: openStatuses, status, step: 'analyze', type: 'analysis_started' };
  const { database, live } = apis[0].resources;
  const event = await recordStep(database.asService(), record);
  if (event === null) throw new Error('the session is past this');
  if (told) await live.publish(toSessionUpdate(sessionId, event));
}

const session = () => newSession(apis[0].resources.database, user.id);
const numbers = (updates: SessionUpdate[]) => updates.map(({ data }) => data.seq);

describe('watching a session (G4)', () => {
  test('brings every event in the form of the contract, in order and without gaps', async () => {
    const id = await session();
    const client = await connect(user.token);
    expect(await client.subscribe(id)).toEqual({ ok: true, lastSeq: 1 });
    await step(id, 'analyzing');
    await step(id, 'notifying');
    const updates = await client.until(3);
    expect(numbers(updates)).toEqual([1, 2, 3]);
    expect(updates[1]).toMatchObject({
      type: 'session_update',
      sessionId: id,
      data: { seq: 2, event: 'analysis_started', status: 'analyzing', step: 'analyze' },
    });
    expect(updates[1]?.timestamp).toMatch(/Z$/);
  });

  test('goes on behind the number that the client saw last', async () => {
    const id = await session();
    await step(id, 'analyzing');
    await step(id, 'notifying');
    const client = await connect(user.token);
    expect(await client.subscribe(id, 2)).toEqual({ ok: true, lastSeq: 3 });
    expect(numbers(await client.until(1))).toEqual([3]);
  });

  test('with a number that the session has not reached yet hides nothing that is to come', async () => {
    const id = await session();
    const client = await connect(user.token);
    await client.subscribe(id, 99);
    await step(id, 'analyzing');
    expect(numbers(await client.until(1))).toEqual([2]);
  });

  test('reaches every client on every API process, each event once', async () => {
    const id = await session();
    const clients = await Promise.all([
      connect(user.token),
      connect(user.token, apis[1]),
      connect(user.token, apis[1]),
    ]);
    for (const client of clients) await client.subscribe(id);
    for (let i = 0; i < 20; i += 1) await step(id, 'analyzing');
    await step(id, 'completed');
    for (const client of clients) {
      expect(numbers(await client.until(22))).toEqual(Array.from({ length: 22 }, (_, i) => i + 1));
    }
  });

  test('fills from PostgreSQL what Redis lost, without a gap', async () => {
    const id = await session();
    const client = await connect(user.token, apis[1]);
    await client.subscribe(id);
    await step(id, 'analyzing', false);
    await step(id, 'analyzing', false);
    await step(id, 'notifying');
    expect(numbers(await client.until(4))).toEqual([1, 2, 3, 4]);
  });

  test('brings an event of which Redis never told', async () => {
    const id = await session();
    const client = await connect(user.token);
    await client.subscribe(id, 1);
    await step(id, 'analyzing', false);
    expect(numbers(await client.until(1))).toEqual([2]);
  });

  test('drops what Redis tells twice or late', async () => {
    const id = await session();
    const client = await connect(user.token);
    await client.subscribe(id);
    await step(id, 'analyzing');
    const [first, second] = await client.until(2);
    const { live } = apis[0].resources;
    if (first && second) await Promise.all([live.publish(second), live.publish(first)]);
    await step(id, 'notifying');
    expect(numbers(await client.until(3))).toEqual([1, 2, 3]);
  });

  test('that begins while events are written misses none', async () => {
    const id = await session();
    const client = await connect(user.token, apis[1]);
    const writing = (async () => {
      for (let i = 0; i < 30; i += 1) await step(id, 'analyzing');
      await step(id, 'completed');
    })();
    const { lastSeq } = await client.subscribe(id);
    expect(lastSeq).toBeGreaterThanOrEqual(1);
    expect(numbers(await client.until(32))).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
    await writing;
  });

  test('of a session that has ended brings the rest and no more', async () => {
    const id = await session();
    await step(id, 'analyzing', false);
    await step(id, 'cancelled', false);
    const client = await connect(user.token);
    expect(await client.subscribe(id, 1)).toEqual({ ok: true, lastSeq: 3 });
    expect(numbers(await client.until(2))).toEqual([2, 3]);
    expect(await client.subscribe(id, 3)).toEqual({ ok: true, lastSeq: 3 });
  });

  test('can be ended by the client', async () => {
    const [id, other] = [await session(), await session()];
    const client = await connect(user.token);
    await client.subscribe(id, 1);
    expect(await client.socket.emitWithAck('unsubscribe', { sessionId: id })).toEqual({ ok: true });
    await client.subscribe(other, 1);
    await step(id, 'analyzing');
    await step(other, 'analyzing');
    expect((await client.until(1)).map(({ sessionId }) => sessionId)).toEqual([other]);
  });

  test('works slower, and loses nothing, while Redis is gone', async () => {
    const api = await startTestApi({ changes: { REDIS_URL: 'redis://127.0.0.1:1' } });
    try {
      const id = await session();
      const client = await connect(user.token, api);
      await client.subscribe(id);
      await step(id, 'analyzing');
      await step(id, 'completed');
      expect(numbers(await client.until(3))).toEqual([1, 2, 3]);
    } finally {
      await api.close();
    }
  });
});

describe('who may watch (G4, G5)', () => {
  const key = ourSigningKey();

  test.each([
    ['no token', () => undefined],
    ['a token that is none', () => 'nonsense'],
    ['an expired token', () => signedToken(key, { ...goodClaims(user.id), exp: Math.floor(Date.now() / 1_000) - 1 })],
  ])('with %s nobody is let in', async (_name, token) => {
    await expect(connect(await token())).rejects.toMatchObject({ data: { code: 'unauthenticated' } });
  });

  test('a session of somebody else cannot be told from one that never was', async () => {
    const client = await connect(stranger.token);
    const theirs = await client.subscribe(await session());
    const absent = await client.subscribe(randomUUID());
    expect(theirs).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect(absent).toEqual(theirs);
  });

  test.each([
    ['an id that is none', { sessionId: '42' }],
    ['a number below 0', { sessionId: randomUUID(), after: -1 }],
    ['a field that is none', { sessionId: randomUUID(), userId: randomUUID() }],
    ['nothing', undefined],
  ])('a request with %s is refused', async (_name, request) => {
    const { socket } = await connect(user.token);
    expect(await socket.emitWithAck('subscribe', request)).toMatchObject({
      ok: false,
      error: { code: 'validation_failed' },
    });
  });

  test('a request without an acknowledgement, or with a wrong one, does no harm', async () => {
    const client = await connect(user.token);
    client.socket.emit('subscribe', { sessionId: '42' });
    client.socket.emit('subscribe', { sessionId: '42' }, 'not a function');
    expect(await client.subscribe(await session())).toMatchObject({ ok: true });
  });

  test('the socket ends with its token, and says why first', async () => {
    const token = await signedToken(key, { ...goodClaims(user.id), exp: Math.floor(Date.now() / 1_000) + 2 });
    const { socket } = await connect(token);
    const told = new Promise((resolve) => socket.once('unauthenticated', resolve));
    const closed = new Promise((resolve) => socket.once('disconnect', resolve));
    expect(await told).toMatchObject({ code: 'unauthenticated' });
    expect(await closed).toBe('io server disconnect');
  });
});

test('the live connections are counted (I2)', async () => {
  const { socket } = await connect(user.token, apis[1]);
  const count = async () => (await apis[1].resources.metrics.liveConnections.get()).values[0]?.value;
  expect(await count()).toBe(1);
  socket.disconnect();
  while ((await count()) !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
});
