import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { io } from 'socket.io-client';
import { readConfig } from '../config.ts';
import { startTestApi, type TestApi } from '../tests/api.ts';
import { createLine } from '../tests/line.ts';
import { connectLive } from '../tests/liveClients.ts';

/* A gateway that is told to stop, as each deploy does it. */

const ends: (() => unknown)[] = [];
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.();
});

async function start(): Promise<TestApi> {
  const api = await startTestApi();
  ends.push(() => api.close());
  return api;
}

test.each(['websocket', 'polling'])(
  'sends those who are connected over Socket.IO by %s to the next one, by themselves (G4, S1)',
  async (transport) => {
    const stopping = await startTestApi();
    const next = await start();
    const { token } = await next.newUser();
    const here = createLine(stopping.url);
    const { url, port } = await here.mend();
    const socket = io(url, { path: '/v1/ws', transports: [transport], auth: { token }, reconnectionDelay: 10 });
    ends.push(() => socket.disconnect());
    const event = (name: 'connect' | 'disconnect') => new Promise((resolve) => socket.once(name, resolve));
    await event('connect');
    const lost = event('disconnect');
    await stopping.close();
    await lost;
    await here.cut();
    const there = createLine(next.url);
    ends.push(() => there.cut());
    const again = event('connect');
    await there.mend(port);
    await again;
    expect(await socket.emitWithAck('subscribe', { user: true })).toMatchObject({ ok: true });
  },
);

test('tells those who are connected by a plain WebSocket that it goes away (G4, S1)', async () => {
  const stopping = await startTestApi();
  const { token } = await stopping.newUser();
  const client = await connectLive('plain WebSocket', stopping.url, { token });
  await stopping.close();
  expect(await client.ended).toBe(1001);
});

test('answers what is under way, on a connection that takes nothing more, and takes no new ones (S1)', async () => {
  const stopping = await startTestApi();
  const { hostname, port } = new URL(stopping.url);
  const body = '{"email":"nobody"}';
  const head = `POST /v1/auth/login HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  const socket = connect(Number(port), hostname);
  let answer = '';
  const isRead = Promise.withResolvers<undefined>();
  const isOver = new Promise((resolve) => socket.once('close', resolve));
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
    if (answer.includes('100 Continue')) isRead.resolve(undefined);
  });
  socket.write(`${head}\r\nExpect: 100-continue\r\n\r\n`);
  await isRead.promise;
  const closed = stopping.close();
  await expect(fetch(`${stopping.url}/healthz`)).rejects.toThrow();
  socket.write(body);
  await Promise.all([isOver, closed]);
  expect(answer).toMatch(/HTTP\/1\.1 400 [^]*"validation_failed"/);
  expect(answer).toMatch(/\r\nConnection: close\r\n/);
});

test('ends although PostgreSQL hangs, and with it what was asked of it (S1, T1)', async () => {
  const line = createLine(readConfig().DATABASE_URL);
  const { url } = await line.mend();
  ends.push(() => line.cut());
  const stopping = await startTestApi({
    changes: { DATABASE_URL: url },
    patience: { headersMs: 60_000, requestMs: 60_000, silenceMs: 60_000, checkEveryMs: 1_000, closeMs: 500 },
  });
  const { token } = await stopping.newUser();
  const client = await connectLive('plain WebSocket', stopping.url, { token });
  await client.ask('subscribe', { user: true });
  line.silence();
  const asked = fetch(`${stopping.url}/v1/sessions`, { headers: { Authorization: `Bearer ${token}` } });
  const cut = expect(asked).rejects.toThrow();
  while (stopping.resources.database.activeConnections() === 0) await setImmediate();
  await stopping.close();
  await cut;
});
