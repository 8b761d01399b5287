import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket as TcpSocket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { removeApiKey } from '../../db/apiKeys.ts';
import { deleteShare } from '../../db/sessionShares.ts';
import { recordStep, type StepRecord } from '../../db/sessionSteps.ts';
import { errorTable } from '../../domain/errors.ts';
import { toLiveEvent, type RecordedEvent, type SessionUpdate } from '../../domain/events.ts';
import { createRedis } from '../../integrations/redis.ts';
import { openStatuses, type SessionStatus } from '../../domain/session.ts';
import { startTestApi, type TestApi, type TestUser } from '../../tests/api.ts';
import { newSession } from '../../tests/database.ts';
import {
  connectLive,
  openPlain,
  transports,
  upgradeRequest,
  type LiveClient,
  type Shown,
  type Transport,
} from '../../tests/liveClients.ts';
import { goodClaims, ourSigningKey, signedToken } from '../../tests/tokens.ts';
import { until } from '../../tests/until.ts';

let apis: [TestApi, TestApi];
let user: TestUser;
let stranger: TestUser;
const clients: LiveClient[] = [];

beforeAll(async () => {
  apis = [await startTestApi(), await startTestApi()];
  [user, stranger] = await Promise.all([apis[0].newUser(), apis[0].newUser()]);
});
afterEach(() => {
  clients.splice(0).forEach((client) => {
    client.disconnect();
  });
});
afterAll(() => Promise.all(apis.map((api) => api.close())));

async function connect(transport: Transport, token: string | undefined, api: TestApi = apis[0]): Promise<LiveClient> {
  return connectBy(transport, token === undefined ? {} : { token }, api);
}

async function connectBy(transport: Transport, shown: Shown, api: TestApi = apis[0]): Promise<LiveClient> {
  const client = await connectLive(transport, api.url, shown);
  clients.push(client);
  return client;
}

async function newKey(owner: TestUser, more: object = {}): Promise<{ id: string; key: string }> {
  const body = { name: 'live', permissions: ['session:read'], expiresAt: null, ...more };
  return (await apis[0].call('POST', '/v1/me/keys', { token: owner.token, body })).body.data;
}

/** A link to a session of the user. */
async function shared(sessionId: string): Promise<{ id: string; token: string }> {
  return (await apis[0].call('POST', `/v1/sessions/${sessionId}/shares`, { token: user.token, body: {} })).body.data;
}

/** Comes when the process is told of this end at once: what is looked up every few seconds would bring the same later. */
const announcementOf = (credentialId: string, api: TestApi) =>
  new Promise<void>((resolve) => {
    api.resources.revocations.watch((told) => {
      if (told === credentialId) resolve();
    });
  });

const subscribe = (client: LiveClient, sessionId: string, after?: number) =>
  client.ask('subscribe', after === undefined ? { sessionId } : { sessionId, after });

/** Takes a session on by one event, as a step does; `told` passes it on through Redis. */
async function step(sessionId: string, status: SessionStatus, told = true): Promise<RecordedEvent> {
  const record: StepRecord = { sessionId, from: openStatuses, status, step: 'analyze', type: 'analysis_started' };
  const { database, live } = apis[0].resources;
  const event = await recordStep(database.asService(), record);
  if (event === null) throw new Error('the session is past this');
  if (told) await live.publish(toLiveEvent(sessionId, event));
  return event;
}

const session = (owner: TestUser = user) => newSession(apis[0].resources.database, owner.id);
const numbers = (updates: SessionUpdate[]) => updates.map(({ data }) => data.seq);
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe.each(transports)('following a session over %s (G4)', (transport) => {
  test('brings every event in the form of the contract, in order and without gaps', async () => {
    const id = await session();
    const client = await connect(transport, user.token);
    expect(await subscribe(client, id)).toEqual({ ok: true, lastSeq: 1 });
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
    const client = await connect(transport, user.token);
    expect(await subscribe(client, id, 2)).toEqual({ ok: true, lastSeq: 3 });
    expect(numbers(await client.until(1))).toEqual([3]);
  });

  test('with a number that the session has not reached yet hides nothing that is to come', async () => {
    const id = await session();
    const client = await connect(transport, user.token);
    await subscribe(client, id, 99);
    await step(id, 'analyzing');
    expect(numbers(await client.until(1))).toEqual([2]);
  });

  test('reaches every client on every API process, each event once', async () => {
    const id = await session();
    const readers = await Promise.all([
      connect(transport, user.token),
      connect(transport, user.token, apis[1]),
      connect(transport, user.token, apis[1]),
    ]);
    for (const client of readers) await subscribe(client, id);
    for (let i = 0; i < 20; i += 1) await step(id, 'analyzing');
    await step(id, 'completed');
    for (const client of readers) {
      expect(numbers(await client.until(22))).toEqual(upTo(22));
    }
  });

  test('fills from PostgreSQL what Redis lost, without a gap', async () => {
    const id = await session();
    const client = await connect(transport, user.token, apis[1]);
    await subscribe(client, id);
    await step(id, 'analyzing', false);
    await step(id, 'analyzing', false);
    await step(id, 'notifying');
    expect(numbers(await client.until(4))).toEqual([1, 2, 3, 4]);
  });

  test('brings an event of which Redis never told', async () => {
    const id = await session();
    const client = await connect(transport, user.token);
    await subscribe(client, id, 1);
    await step(id, 'analyzing', false);
    expect(numbers(await client.until(1))).toEqual([2]);
  });

  test('drops what Redis tells twice or late', async () => {
    const id = await session();
    const client = await connect(transport, user.token);
    await subscribe(client, id);
    const event = toLiveEvent(id, await step(id, 'analyzing'));
    const [first] = await client.until(2);
    const { live } = apis[0].resources;
    if (first) await Promise.all([live.publish(event), live.publish({ ...event, update: first })]);
    await step(id, 'notifying');
    expect(numbers(await client.until(3))).toEqual([1, 2, 3]);
  });

  test('that begins while events are written misses none', async () => {
    const id = await session();
    const client = await connect(transport, user.token, apis[1]);
    const writing = (async () => {
      for (let i = 0; i < 30; i += 1) await step(id, 'analyzing');
      await step(id, 'completed');
    })();
    const { lastSeq } = await subscribe(client, id);
    expect(lastSeq).toBeGreaterThanOrEqual(1);
    expect(numbers(await client.until(32))).toEqual(upTo(32));
    await writing;
  });

  test('of a session that has ended brings the rest and no more', async () => {
    const id = await session();
    await step(id, 'analyzing', false);
    await step(id, 'cancelled', false);
    const client = await connect(transport, user.token);
    expect(await subscribe(client, id, 1)).toEqual({ ok: true, lastSeq: 3 });
    expect(numbers(await client.until(2))).toEqual([2, 3]);
    expect(await subscribe(client, id, 3)).toEqual({ ok: true, lastSeq: 3 });
  });

  test('can be ended by the client', async () => {
    const [id, other] = [await session(), await session()];
    const client = await connect(transport, user.token);
    await subscribe(client, id, 1);
    expect(await client.ask('unsubscribe', { sessionId: id })).toEqual({ ok: true });
    await subscribe(client, other, 1);
    await step(id, 'analyzing');
    await step(other, 'analyzing');
    expect((await client.until(1)).map(({ sessionId }) => sessionId)).toEqual([other]);
  });

  test('works slower, and loses nothing, while Redis is gone', async () => {
    const api = await startTestApi({ changes: { REDIS_URL: 'redis://127.0.0.1:1' } });
    try {
      const id = await session();
      const client = await connect(transport, user.token, api);
      await subscribe(client, id);
      await step(id, 'analyzing');
      await step(id, 'completed');
      expect(numbers(await client.until(3))).toEqual([1, 2, 3]);
    } finally {
      await api.close();
    }
  });
});

describe.each(transports)('following all sessions of a user over %s (G4)', (transport) => {
  test('brings what happens from now on to sessions that stand, and all of those to come', async () => {
    const [standing, theirs] = [await session(), await session(stranger)];
    await step(standing, 'analyzing');
    const client = await connect(transport, user.token);
    expect(await client.ask('subscribe', { user: true })).toEqual({ ok: true });
    await step(theirs, 'analyzing');
    await step(standing, 'notifying');
    const created = await session();
    await step(created, 'analyzing');
    const of = (id: string) => numbers(client.updates.filter(({ sessionId }) => sessionId === id));
    await client.until(3);
    expect([of(standing), of(created), of(theirs)]).toEqual([[3], [1, 2], []]);
  });

  test('brings each event once, also of a session that is followed by its id and of one that has ended', async () => {
    const [id, next] = [await session(), await session()];
    const client = await connect(transport, user.token);
    await client.ask('subscribe', { user: true });
    await subscribe(client, id);
    await client.until(1);
    const last = await step(id, 'completed');
    await client.until(2);
    await apis[0].resources.live.publish(toLiveEvent(id, last));
    await step(next, 'analyzing');
    expect(numbers(await client.until(3))).toEqual([1, 2, 2]);
    expect(client.updates.at(-1)?.sessionId).toBe(next);
  });

  test('goes on per session behind the number that was seen last', async () => {
    const id = await session();
    await step(id, 'analyzing');
    await step(id, 'notifying');
    const client = await connect(transport, user.token);
    await client.ask('subscribe', { user: true });
    await subscribe(client, id, 1);
    await step(id, 'completed');
    expect(numbers(await client.until(3))).toEqual([2, 3, 4]);
  });

  test('finds a new session of which Redis never told', async () => {
    const client = await connect(transport, user.token);
    await client.ask('subscribe', { user: true });
    const id = await session();
    await step(id, 'completed', false);
    const updates = await client.until(2);
    expect(updates.map(({ sessionId, data }) => [sessionId, data.seq])).toEqual([
      [id, 1],
      [id, 2],
    ]);
  });

  test('can be ended by the client', async () => {
    const [id, other] = [await session(), await session()];
    const client = await connect(transport, user.token);
    await client.ask('subscribe', { user: true });
    expect(await client.ask('unsubscribe', { user: true })).toEqual({ ok: true });
    await step(id, 'analyzing');
    await subscribe(client, other, 1);
    await step(other, 'analyzing');
    expect((await client.until(1)).map(({ sessionId }) => sessionId)).toEqual([other]);
  });
});

describe.each(transports)('several API processes over %s (G4, S1)', (transport) => {
  test('a client whose process is gone resumes on another one, without a gap and without a double', async () => {
    const going = await startTestApi();
    const id = await session();
    const client = await connect(transport, user.token, going);
    await subscribe(client, id);
    await step(id, 'analyzing');
    const seen = await client.until(2);
    await Promise.all([going.close(), step(id, 'notifying'), client.ended]);
    const resumed = await connect(transport, user.token, apis[1]);
    await subscribe(resumed, id, seen.at(-1)?.data.seq);
    await step(id, 'completed');
    expect(numbers([...seen, ...(await resumed.until(4 - seen.length))])).toEqual(upTo(4));
  });

  test('events that Redis has trimmed come from PostgreSQL', async () => {
    const id = await session();
    for (let i = 0; i < 5; i += 1) await step(id, 'analyzing');
    const redis = createRedis(process.env.REDIS_URL ?? '', 'live-trim');
    await redis.xtrim('live:sessions', 'MAXLEN', 0);
    await redis.quit();
    const client = await connect(transport, user.token, apis[1]);
    await subscribe(client, id, 2);
    await step(id, 'completed');
    expect(numbers(await client.until(5))).toEqual([3, 4, 5, 6, 7]);
  });
});

const key = ourSigningKey();
const endingIn = (seconds: number, owner: TestUser = user) =>
  signedToken(key, { ...goodClaims(owner.id), exp: Math.floor(Date.now() / 1_000) + seconds });

describe.each(transports)('who may follow, over %s (G4, G5)', (transport) => {
  test.each([
    ['no token', () => undefined],
    ['a token that is none', () => 'nonsense'],
    ['an expired token', () => endingIn(-1)],
  ])('with %s nobody is let in', async (_name, token) => {
    await expect(connect(transport, await token())).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('a session of somebody else cannot be told from one that never was', async () => {
    const client = await connect(transport, stranger.token);
    const theirs = await subscribe(client, await session());
    const absent = await subscribe(client, randomUUID());
    expect(theirs).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect(absent).toEqual(theirs);
  });

  test.each([
    ['an id that is none', { sessionId: '42' }],
    ['a number below 0', { sessionId: randomUUID(), after: -1 }],
    ['the sessions of somebody named', { user: randomUUID() }],
    ['a field that is none', { sessionId: randomUUID(), userId: randomUUID() }],
    ['nothing', undefined],
  ])('a request for %s is refused', async (_name, request) => {
    const client = await connect(transport, user.token);
    expect(await client.ask('subscribe', request)).toMatchObject({ ok: false, error: { code: 'validation_failed' } });
  });

  test('the connection ends with its token, and says why first', async () => {
    const client = await connect(transport, await endingIn(5));
    expect(await client.ended).toBe(transport === 'Socket.IO' ? 'io server disconnect' : 4401);
    expect(client.told.at(-1)).toMatchObject({ type: 'unauthenticated', code: 'unauthenticated' });
  });

  test('a token that is renewed in place keeps it open, with all that it follows', async () => {
    const id = await session();
    const client = await connect(transport, await endingIn(6));
    await subscribe(client, id, 1);
    expect(await client.ask('authenticate', { token: user.token })).toMatchObject({ ok: true });
    const ofTheOldToken = await connect(transport, await endingIn(6));
    await ofTheOldToken.ended;
    await step(id, 'analyzing');
    expect(numbers(await client.until(1))).toEqual([2]);
  });

  test('a token of somebody else, or none, renews nothing and ends nothing', async () => {
    const id = await session();
    const client = await connect(transport, user.token);
    const answers = [
      await client.ask('authenticate', { token: stranger.token }),
      await client.ask('authenticate', { token: 'nonsense' }),
    ];
    expect(answers.map(({ error }) => error?.code)).toEqual(['forbidden', 'unauthenticated']);
    expect(await subscribe(client, id)).toMatchObject({ ok: true });
    expect(await subscribe(client, await session(stranger))).toMatchObject({ error: { code: 'not_found' } });
  });

  test('an API key is let in as far as it may read', async () => {
    const { key: reading } = await newKey(user);
    expect(await subscribe(await connectBy(transport, { apiKey: reading }), await session())).toMatchObject({
      ok: true,
    });
    const { key: writing } = await newKey(user, { permissions: ['session:create'] });
    await expect(connectBy(transport, { apiKey: writing })).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('the connection ends with its API key, on whatever process that is revoked, and no other with it', async () => {
    const person = await apis[0].newUser();
    const [gone, other] = [await newKey(person), await newKey(person)];
    const client = await connectBy(transport, { apiKey: gone.key }, apis[1]);
    const ofOther = await connectBy(transport, { apiKey: other.key }, apis[1]);
    const announced = announcementOf(gone.id, apis[1]);
    await apis[0].call('DELETE', `/v1/me/keys/${gone.id}`, { token: person.token });
    await Promise.all([announced, client.ended]);
    expect(client.told.at(-1)).toMatchObject({ type: 'unauthenticated' });
    await expect(connectBy(transport, { apiKey: gone.key })).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await subscribe(ofOther, await session(person))).toMatchObject({ ok: true });
  });

  test('the connection ends when its API key gets another end or other permissions, not with another name', async () => {
    const person = await apis[0].newUser();
    for (const change of [{ permissions: ['session:create'] }, { expiresAt: '2999-01-01T00:00:00Z' }]) {
      const { id, key } = await newKey(person);
      const client = await connectBy(transport, { apiKey: key });
      const patch = (body: object) => apis[1].call('PATCH', `/v1/me/keys/${id}`, { token: person.token, body });
      expect((await patch({ name: 'another' })).status).toBe(200);
      expect(await subscribe(client, await session(person))).toMatchObject({ ok: true });
      expect((await patch(change)).status).toBe(200);
      await client.ended;
    }
  });

  test('the connection ends with its API key when that runs out, and when Redis does not tell of its end', async () => {
    const person = await apis[0].newUser();
    const [short, lost] = [
      await newKey(person, { expiresAt: new Date(Date.now() + 6_000).toISOString() }),
      await newKey(person),
    ];
    const [ofShort, ofLost] = [
      await connectBy(transport, { apiKey: short.key }),
      await connectBy(transport, { apiKey: lost.key }),
    ];
    await removeApiKey(apis[0].resources.database.asUser(person.id), lost.id);
    await Promise.all([ofShort.ended, ofLost.ended]);
    expect(ofLost.told.at(-1)).toMatchObject({ type: 'unauthenticated' });
  });

  test('the connection ends with its log-in, on whatever process that is ended', async () => {
    const person = await apis[0].newUser();
    const client = await connect(transport, person.token, apis[1]);
    await apis[0].call('POST', '/v1/auth/logout', { body: { refreshToken: person.refreshToken } });
    await client.ended;
    expect(client.told.at(-1)).toMatchObject({ type: 'unauthenticated' });
    await expect(connect(transport, person.token, apis[1])).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('a client that asks without end is cut off', async () => {
    const client = await connect(transport, user.token);
    for (let i = 0; i <= 2_000; i += 1) client.say('unsubscribe', { user: true });
    await client.ended;
    expect(client.told.at(-1)).toMatchObject({ type: 'too_many_messages' });
  });

  test('a message too large for an id is not read', async () => {
    const client = await connect(transport, user.token);
    client.say('subscribe', { sessionId: 'x'.repeat(20_000) });
    await client.ended;
    expect(client.told).toEqual([]);
  });
});

describe.each(transports)('who holds the link to a session, over %s (G4)', (transport) => {
  test('follows it without an account, on any process, behind the number that was seen last', async () => {
    const id = await session();
    const { token } = await shared(id);
    const client = await connectBy(transport, { share: token }, apis[1]);
    expect(await subscribe(client, id)).toEqual({ ok: true, lastSeq: 1 });
    await step(id, 'analyzing');
    const again = await connectBy(transport, { share: token });
    expect(await subscribe(again, id, 1)).toEqual({ ok: true, lastSeq: 2 });
    await step(id, 'completed');
    expect(numbers(await client.until(3))).toEqual([1, 2, 3]);
    expect(numbers(await again.until(2))).toEqual([2, 3]);
    expect(client.updates[1]).toMatchObject({ type: 'session_update', data: { status: 'analyzing', step: 'analyze' } });
  });

  test('is told how the session stands, and nothing of what is between its owner and the platform (I5)', async () => {
    const id = await session();
    const [holder, owner] = [
      await connectBy(transport, { share: (await shared(id)).token }),
      await connect(transport, user.token),
    ];
    for (const client of [holder, owner]) await subscribe(client, id, 1);
    const own = {
      attempt: 3,
      stuck: { code: 'rejected' as const, message: 'for its owner' },
      attachmentId: randomUUID(),
    };
    const update: SessionUpdate = {
      type: 'session_update',
      sessionId: id,
      data: { seq: 2, event: 'stuck', status: 'analyzing', step: 'analyze', progress: 0.5, ...own },
      timestamp: new Date().toISOString(),
    };
    await apis[0].resources.live.publish({ userId: user.id, update });
    expect(await owner.until(1)).toEqual([update]);
    const data = { seq: 2, event: 'updated', status: 'analyzing', step: 'analyze', progress: 0.5 };
    expect(await holder.until(1)).toEqual([{ ...update, data }]);
  });

  test('follows no other session, whoever’s it is, not its owner and no training', async () => {
    const id = await session();
    const client = await connectBy(transport, { share: (await shared(id)).token });
    const others = [await session(), await session(stranger), randomUUID()];
    const refused = await Promise.all(others.map((other) => subscribe(client, other)));
    expect(new Set(refused.map(({ error }) => error?.code))).toEqual(new Set(['not_found']));
    for (const request of [{ user: true }, { trainingId: randomUUID() }]) {
      expect(await client.ask('subscribe', request)).toMatchObject({ error: { code: 'forbidden' } });
    }
    await step(others[0] ?? '', 'analyzing');
    await subscribe(client, id, 1);
    await step(id, 'analyzing');
    expect((await client.until(1)).map(({ sessionId }) => sessionId)).toEqual([id]);
  });

  test('is not let in by a link that never was, was taken back or ran out, and cannot tell which', async () => {
    const id = await session();
    const [revoked, expired] = [await shared(id), await shared(id)];
    await apis[0].call('DELETE', `/v1/sessions/${id}/shares/${revoked.id}`, { token: user.token });
    await endShare(expired.id, 0);
    const links = ['x'.repeat(43), revoked.token, expired.token, user.token, ''];
    const refusals = await Promise.allSettled(links.map((share) => connectBy(transport, { share })));
    const { message } = errorTable.unauthenticated;
    const reason = expect.objectContaining({ code: 'unauthenticated', message });
    expect(refusals).toEqual(links.map(() => ({ status: 'rejected', reason })));
  });

  test('is cut off once the link is taken back, on whatever process, and those who hold another are not', async () => {
    const id = await session();
    const [gone, other] = [await shared(id), await shared(id)];
    const client = await connectBy(transport, { share: gone.token }, apis[1]);
    const ofOther = await connectBy(transport, { share: other.token }, apis[1]);
    for (const each of [client, ofOther]) await subscribe(each, id, 1);
    const announced = announcementOf(gone.id, apis[1]);
    await apis[0].call('DELETE', `/v1/sessions/${id}/shares/${gone.id}`, { token: user.token });
    await Promise.all([announced, client.ended]);
    expect(client.told.at(-1)).toMatchObject({ type: 'unauthenticated', code: 'unauthenticated' });
    await step(id, 'analyzing');
    expect(numbers(await ofOther.until(1))).toEqual([2]);
    expect(client.updates).toEqual([]);
  });

  test('is cut off when the link runs out, and when Redis does not tell of its end', async () => {
    const id = await session();
    const [short, lost] = [await shared(id), await shared(id)];
    await endShare(short.id, 6);
    const ofShort = await connectBy(transport, { share: short.token });
    const ofLost = await connectBy(transport, { share: lost.token });
    await deleteShare(apis[0].resources.database.asUser(user.id), id, lost.id);
    await Promise.all([ofShort.ended, ofLost.ended]);
    expect(ofLost.told.at(-1)).toMatchObject({ type: 'unauthenticated' });
  });

  test('renews in place by another link to the same session, and becomes nobody else', async () => {
    const id = await session();
    const [first, second] = [await shared(id), await shared(id)];
    const client = await connectBy(transport, { share: first.token });
    await subscribe(client, id, 1);
    const ofFirst = await connectBy(transport, { share: first.token });
    for (const shown of [{ share: (await shared(await session())).token }, { token: user.token }]) {
      expect(await client.ask('authenticate', shown)).toMatchObject({ error: { code: 'forbidden' } });
    }
    const owner = await connect(transport, user.token);
    expect(await owner.ask('authenticate', { share: first.token })).toMatchObject({ error: { code: 'forbidden' } });
    expect(await client.ask('authenticate', { share: second.token })).toMatchObject({ ok: true });
    await apis[0].call('DELETE', `/v1/sessions/${id}/shares/${first.id}`, { token: user.token });
    await ofFirst.ended;
    await step(id, 'analyzing');
    expect(numbers(await client.until(1))).toEqual([2]);
  });
});

async function endShare(id: string, inSeconds: number): Promise<void> {
  await apis[0].resources.database
    .asService()
    .execute(`update session_shares set expires_at = now() + make_interval(secs => :inSeconds) where id = :id`, {
      id,
      inSeconds,
    });
}

test('a request over Socket.IO without an acknowledgement, or with a wrong one, does no harm (G4)', async () => {
  const socket = io(apis[0].url, { path: '/v1/ws', auth: { token: user.token }, forceNew: true });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.emit('subscribe', { sessionId: '42' });
  socket.emit('subscribe', { sessionId: '42' }, 'not a function');
  expect(await socket.emitWithAck('subscribe', { sessionId: await session() })).toMatchObject({ ok: true });
  socket.disconnect();
});

describe('a plain WebSocket (G4)', () => {
  test('may sign in by its header', async () => {
    const client = await openPlain(apis[0].url, { Authorization: `Bearer ${user.token}` });
    clients.push(client);
    expect(await subscribe(client, await session())).toEqual({ ok: true, lastSeq: 1 });
  });

  test.each([
    ['a bad token in its header', { Authorization: 'Bearer nonsense' }],
    ['a header of another kind', { Authorization: 'Basic dXNlcjpwYXNz' }],
  ])('with %s is closed', async (_name, headers) => {
    expect(await (await openPlain(apis[0].url, headers)).ended).toBe(4401);
  });

  test('whose first message does not sign in is closed, with an answer', async () => {
    const client = await openPlain(apis[0].url);
    expect(await subscribe(client, await session())).toMatchObject({ error: { code: 'unauthenticated' } });
    expect(await client.ended).toBe(4401);
  });

  test('that cannot be signed in while PostgreSQL is gone is told to come again, not that its key is bad', async () => {
    const { key: apiKey } = await newKey(user);
    const without = await startTestApi({ changes: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' } });
    try {
      const client = await openPlain(without.url);
      expect(await client.ask('authenticate', { apiKey })).toMatchObject({
        error: { code: 'temporarily_unavailable' },
      });
      expect(await client.ended).toBe(1013);
      expect(client.told.at(-1)).toMatchObject({ type: 'unavailable' });
    } finally {
      await without.close();
    }
  });

  test('that never signs in is closed', async () => {
    expect(await (await openPlain(apis[0].url)).ended).toBe(4401);
  });

  test('that says what is no message is closed', async () => {
    const client = await connect('plain WebSocket', user.token);
    client.say('shout', {});
    expect(await client.ended).toBe(1007);
  });

  test('on another path is refused', async () => {
    await expect(openPlain(`${apis[0].url}/v1`)).rejects.toThrow('404');
  });
});

describe('a web page (C1, G4)', () => {
  const page = 'https://app.example.com';
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ deps: { corsOrigins: [page], publicUrl: 'https://us.example.com/v1/docs' } });
  });
  afterAll(() => api.close());

  const addresses: Record<Transport, string> = {
    'Socket.IO': '/v1/ws/?EIO=4&transport=websocket',
    'plain WebSocket': '/v1/ws',
  };
  /** The status that answers a handshake: 101 where the WebSocket is taken in. */
  async function handshake(transport: Transport, origin?: string): Promise<number | undefined> {
    const url = `${api.url.replace('http', 'ws')}${addresses[transport]}`;
    const socket = new WebSocket(url, origin === undefined ? {} : { origin });
    socket.on('error', () => undefined);
    const answered = (event: string) =>
      new Promise<IncomingMessage>((resolve) =>
        socket.once(event, (...args) => {
          resolve(args.at(-1) as IncomingMessage);
        }),
      );
    const { statusCode } = await Promise.race([answered('upgrade'), answered('unexpected-response')]);
    socket.terminate();
    return statusCode;
  }

  describe.each(transports)('over %s', (transport) => {
    test.each([page, 'https://us.example.com', undefined])('of %s may open a WebSocket', async (origin) => {
      expect(await handshake(transport, origin)).toBe(101);
    });

    test.each(['https://evil.example.com', 'http://app.example.com', 'https://app.example.com.evil.com', 'null'])(
      'of %s may not open a WebSocket',
      async (origin) => {
        expect(await handshake(transport, origin)).toBe(403);
      },
    );
  });

  const poll = (origin: string, method = 'GET') =>
    fetch(`${api.url}/v1/ws/?EIO=4&transport=polling`, {
      method,
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    });

  test('on the list may poll, without cookies, and no other reads what is answered', async () => {
    for (const method of ['GET', 'OPTIONS']) {
      const allowed = await poll(page, method);
      expect(allowed.ok).toBe(true);
      expect(allowed.headers.get('access-control-allow-origin')).toBe(page);
      expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
      expect(allowed.headers.get('vary')).toContain('Origin');
      for (const origin of ['https://evil.example.com', 'null']) {
        expect((await poll(origin, method)).headers.get('access-control-allow-origin')).toBeNull();
      }
    }
  });
});

/** What a client of each transport says up to its subscription, each with what the answer holds. */
const openings: Record<Transport, (token: string, sessionId: string) => [said: string, answer: string][]> = {
  'Socket.IO': (token, sessionId) => [
    [`40${JSON.stringify({ token })}`, '40{"sid"'],
    [`420${JSON.stringify(['subscribe', { sessionId, after: 1 }])}`, 'lastSeq'],
  ],
  'plain WebSocket': (token, sessionId) => [
    [JSON.stringify({ type: 'authenticate', token }), 'expiresAt'],
    [JSON.stringify({ type: 'subscribe', sessionId, after: 1 }), 'lastSeq'],
  ],
};

describe.each(transports)('a reader over %s that stops reading (G4)', (transport) => {
  test('is dropped, and the others are not', async () => {
    const api = apis[1];
    const id = await session();
    const other = await connect(transport, user.token, api);
    await subscribe(other, id, 1);
    const socket = await stuckReader(api, transport, openings[transport](user.token, id));
    const slow = async () => (await api.resources.metrics.liveSlowReadersTotal.get()).values[0]?.value ?? 0;
    const before = await slow();
    const message = 'x'.repeat(64 * 1_024);
    let seq = 1;
    while ((await slow()) === before) {
      seq += 1;
      await api.resources.live.publish({
        userId: user.id,
        update: {
          type: 'session_update',
          sessionId: id,
          data: { seq, event: 'stuck', status: 'analyzing', step: 'analyze', stuck: { code: 'rejected', message } },
          timestamp: new Date().toISOString(),
        },
      });
      await other.until(seq - 1);
    }
    expect(await slow()).toBe(before + 1);
    expect(numbers(other.updates)).toEqual(upTo(seq).slice(1));
    socket.destroy();
  });
});

/** Speaks WebSocket by hand, as far as the subscription, and reads no more after it. */
async function stuckReader(
  api: TestApi,
  transport: Transport,
  opening: [said: string, answer: string][],
): Promise<TcpSocket> {
  const { hostname, port } = new URL(api.url);
  const socket = connectTcp(Number(port), hostname);
  const query = transport === 'Socket.IO' ? '?EIO=4&transport=websocket' : '';
  socket.write(upgradeRequest(api.url, `/v1/ws${query}`));
  let heard = '';
  socket.on('data', (data) => {
    heard += data.toString('latin1');
  });
  await once(socket, 'data');
  for (const [said, answer] of opening) {
    socket.write(maskedFrame(said));
    while (!heard.includes(answer)) await once(socket, 'data');
  }
  socket.pause();
  return socket;
}

/** A text frame of a client, masked with zeros, which leave it as it is (RFC 6455, section 5.2). */
function maskedFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const length = body.length < 126 ? [0x80 | body.length] : [0x80 | 126, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), body]);
}

test.each(transports)('the live connections over %s are counted (I2)', async (transport) => {
  const count = async () => (await apis[1].resources.metrics.liveConnections.get()).values[0]?.value;
  await until(async () => (await count()) === 0);
  const client = await connect(transport, user.token, apis[1]);
  expect(await count()).toBe(1);
  client.disconnect();
  await until(async () => (await count()) === 0);
});
