import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { readConfig } from '../../config.ts';
import { systemConfigRows } from '../../db/systemConfig.ts';
import { withChanges, type SystemChanges } from '../../domain/systemConfig.ts';
import type { Rates } from '../../domain/tiers.ts';
import { expectEnvelope, startTestApi, type Envelope, type TestApi, type TestUser } from '../../tests/api.ts';
import { standApart } from '../../tests/apart.ts';
import { newSession } from '../../tests/database.ts';
import {
  connectLive,
  openPlain,
  transports,
  upgradeRequest,
  type LiveClient,
  type Shown,
} from '../../tests/liveClients.ts';
import { until } from '../../tests/until.ts';

/**
 * Two gateways behind a proxy, on a database and a Redis of their own, where limits are as tight as a test wants them.
 * Each test comes from addresses of its own.
 */

const limitsRedis = new URL(readConfig().REDIS_URL);
limitsRedis.pathname = '/6';
const changes = { ...(await standApart()), REDIS_URL: limitsRedis.href, TRUST_PROXY: 1 };

let apis: [TestApi, TestApi];
let user: TestUser;
const open: { disconnect(): unknown }[] = [];

beforeAll(async () => {
  apis = [await startTestApi({ changes }), await startTestApi({ changes })];
});
beforeEach(async () => {
  user = await apis[0].newUser();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.disconnect()));
});
afterAll(async () => {
  await Promise.all(apis.map((api) => api.close()));
});

const wide: Rates = { auth: 100_000, read: 100_000, write: 100_000, analysis: 100_000, upload: 100_000 };

/** Of reading, by which connections count, and how many are held at once; what is not named is wide. */
async function setLimits({ user = wide.read, key = wide.read, address = wide.read, held = 50 }): Promise<void> {
  const changes: SystemChanges = {
    tiers: {
      basic: {
        requestsPerMinute: { ...wide, read: user },
        keyRequestsPerMinute: { ...wide, read: key },
        liveConnections: held,
      },
    },
    addressRequestsPerMinute: { ...wide, read: address },
  };
  const { database, systemConfig } = apis[0].resources;
  const rows = systemConfigRows(database);
  await rows.addAfter((await rows.newest()).version, { changes, by: null });
  await systemConfig.remember(changes);
  const wanted = withChanges(changes);
  for (const { resources } of apis) {
    await until(async () => isDeepStrictEqual(await resources.systemConfig.current(), wanted));
  }
}

let addresses = 0;
function newAddress(): string {
  addresses += 1;
  return `192.0.2.${addresses}`;
}

const ways = {
  'Socket.IO by polling': '/v1/ws/?EIO=4&transport=polling',
  'Socket.IO by WebSocket': '/v1/ws/?EIO=4&transport=websocket',
  'plain WebSocket': '/v1/ws',
};
type Way = keyof typeof ways;
const everyWay = Object.keys(ways) as Way[];

interface Opened {
  status: number;
  headers: Headers;
  text: string;
}

/** Asks for a connection, and says how that was answered; 101 or 200 where it was opened. */
async function knock(way: Way, address: string, { api = apis[0], path = ways[way] } = {}): Promise<Opened> {
  const headers = { 'X-Forwarded-For': address };
  if (way === 'Socket.IO by polling') {
    const answer = await fetch(`${api.url}${path}`, { headers });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}${path}`, { headers });
  socket.on('error', () => undefined);
  open.push({
    disconnect() {
      socket.terminate();
    },
  });
  const answered = (event: string) => once(socket, event).then((given) => given.at(-1) as IncomingMessage);
  const answer = await Promise.race([answered('upgrade'), answered('unexpected-response')]);
  const { statusCode: status = 0 } = answer;
  const told = new Headers();
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) told.set(name, values.join(', '));
  return { status, headers: told, text: status === 101 ? '' : await text(answer) };
}

const isOpened = ({ status }: Opened) => status === 101 || status === 200;

async function connectSocketIo(address: string, options: object, api = apis[0]): Promise<Socket> {
  const socket = io(api.url, {
    path: '/v1/ws',
    forceNew: true,
    reconnection: false,
    auth: { token: user.token },
    extraHeaders: { 'X-Forwarded-For': address },
    ...options,
  });
  open.push({
    async disconnect() {
      const { engine } = socket.io;
      const closed = new Promise((resolve) => engine.once('close', resolve));
      socket.disconnect();
      if (engine.readyState !== 'closed') await closed;
    },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error: Error & { data?: object }) => {
      reject(Object.assign(error, error.data));
    });
  });
  return socket;
}

async function plainFrom(address: string): Promise<LiveClient> {
  const client = await openPlain(apis[0].url, { 'X-Forwarded-For': address });
  open.push(client);
  return client;
}

/** Opens a connection and signs in. @throws an error with the refusal's `code` */
async function enter(way: Way, shown: object): Promise<void> {
  if (way === 'plain WebSocket') {
    const { error } = await (await plainFrom(newAddress())).ask('authenticate', shown);
    if (error !== undefined) throw Object.assign(new Error(error.message), error);
    return;
  }
  const transports = [way === 'Socket.IO by polling' ? 'polling' : 'websocket'];
  await connectSocketIo(newAddress(), { auth: shown, transports });
}

describe.each(everyWay)('connections that are opened over %s (G6, S1)', (way) => {
  test('are limited by their address, and who is refused is told when to come again', async () => {
    await setLimits({ address: 3 });
    const address = newAddress();
    for (let i = 0; i < 3; i += 1) expect(isOpened(await knock(way, address))).toBe(true);
    const { status, headers, text } = await knock(way, address);
    const body = JSON.parse(text) as Envelope;
    expectEnvelope({ status, headers, text, body });
    expect(status).toBe(429);
    expect(body.error).toMatchObject({ code: 'rate_limited', retryable: true });
    const retryAfter = Number(headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(headers.get('ratelimit-policy')).toBe('"address";q=3;w=60');
    expect(headers.get('ratelimit')).toMatch(/^"address";r=0;t=\d+$/);
    expect(isOpened(await knock(way, newAddress()))).toBe(true);
  });

  test('at once on two gateways pass exactly up to the limit', async () => {
    await setLimits({ address: 10 });
    const address = newAddress();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => knock(way, address, { api: apis[i % 2 === 0 ? 0 : 1] })),
    );
    expect(answers.filter(isOpened)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  test('count for the account and the API key as well, and a link counts for nobody', async () => {
    const { token } = user;
    const id = await newSession(apis[0].resources.database, user.id);
    const made = await apis[0].call('POST', '/v1/me/keys', {
      token,
      body: { name: 'live', permissions: ['session:read'] },
    });
    const { key: apiKey } = made.body.data as { key: string };
    const shared = await apis[0].call('POST', `/v1/sessions/${id}/shares`, { token, body: {} });
    const { token: share } = shared.body.data as { token: string };
    await setLimits({ user: 3, key: 1 });
    for (let i = 0; i < 4; i += 1) await enter(way, { share });
    await enter(way, { apiKey });
    await expect(enter(way, { apiKey })).rejects.toMatchObject({ code: 'rate_limited' });
    for (let i = 0; i < 2; i += 1) await enter(way, { token });
    await expect(enter(way, { token })).rejects.toMatchObject({ code: 'rate_limited' });
    expect((await apis[0].call('GET', '/v1/me', { token })).status).toBe(429);
  });

  test('are counted by the gateway itself while Redis is gone, and the metric says so', async () => {
    await setLimits({ address: 3 });
    const without = await startTestApi({ changes: { ...changes, REDIS_URL: 'redis://127.0.0.1:1' } });
    try {
      const decisions = async (outcome: string) => {
        const page = await (await fetch(`${without.url}/metrics`)).text();
        const name = `rate_limit_decisions_total\\{class="read",outcome="${outcome}",counted_by="process"`;
        return Number(new RegExp(`${name}[^}]*\\} (\\d+)`).exec(page)?.[1] ?? 0);
      };
      const [allowed, refused] = [await decisions('allowed'), await decisions('refused')];
      const address = newAddress();
      const answers: Opened[] = [];
      for (let i = 0; i < 5; i += 1) answers.push(await knock(way, address, { api: without }));
      expect(answers.map(isOpened)).toEqual([true, true, true, false, false]);
      expect(answers.at(-1)?.headers.get('ratelimit-policy')).toBe('"address-process";q=3;w=60');
      expect([await decisions('allowed'), await decisions('refused')]).toEqual([allowed + 3, refused + 2]);
    } finally {
      await without.close();
    }
  });
});

describe('a connection counts once (G6)', () => {
  test.each([
    ['by polling alone', ['polling'], 'polling'],
    ['that goes from polling to WebSocket', ['polling', 'websocket'], 'websocket'],
  ])('%s', async (_how, transports, transport) => {
    await setLimits({ address: 1 });
    const address = newAddress();
    const socket = await connectSocketIo(address, { transports });
    while (socket.io.engine.transport.name !== transport) {
      await new Promise<void>((resolve) => {
        socket.io.engine.once('upgrade', () => {
          resolve();
        });
      });
    }
    for (let i = 0; i < 5; i += 1) {
      expect(await socket.emitWithAck('unsubscribe', { user: true })).toEqual({ ok: true });
    }
    expect(await knock('plain WebSocket', address)).toMatchObject({ status: 429 });
  });

  test('also for its account, which may renew it at will', async () => {
    await setLimits({ user: 1 });
    const client = await plainFrom(newAddress());
    for (let i = 0; i < 4; i += 1) {
      expect(await client.ask('authenticate', { token: user.token })).toMatchObject({ ok: true });
    }
  });

  test('and a browser that asks whether its page may poll opens none', async () => {
    await setLimits({ address: 1 });
    const address = newAddress();
    const preflight = () =>
      fetch(`${apis[0].url}${ways['Socket.IO by polling']}`, {
        method: 'OPTIONS',
        headers: {
          'X-Forwarded-For': address,
          Origin: 'https://app.example.com',
          'Access-Control-Request-Method': 'GET',
        },
      });
    for (let i = 0; i < 3; i += 1) expect((await preflight()).status).toBe(204);
    expect(isOpened(await knock('Socket.IO by polling', address))).toBe(true);
  });
});

describe('nobody comes past the count (G6, S1)', () => {
  test.each([
    ['an id that is empty', 'Socket.IO by WebSocket', `${ways['Socket.IO by WebSocket']}&sid=`],
    ['several ids, the last one empty', 'Socket.IO by WebSocket', `${ways['Socket.IO by WebSocket']}&sid=x&sid=`],
    ['the same by polling', 'Socket.IO by polling', `${ways['Socket.IO by polling']}&sid=x&sid=`],
    ['an id on a plain WebSocket', 'plain WebSocket', `${ways['plain WebSocket']}?sid=x`],
  ] as const)('by %s', async (_how, way, path) => {
    await setLimits({ address: 1 });
    const address = newAddress();
    expect(isOpened(await knock(way, address, { path }))).toBe(true);
    expect(await knock(way, address, { path })).toMatchObject({ status: 429 });
  });

  test('by greeting a second time over the line of one connection, whether the first was good or not', async () => {
    await setLimits({});
    for (const token of [user.token, 'nonsense']) {
      const url = `${apis[0].url.replace('http', 'ws')}${ways['Socket.IO by WebSocket']}`;
      const socket = new WebSocket(url, { headers: { 'X-Forwarded-For': newAddress() } });
      const heard = () => once(socket, 'message').then(([data]) => String(data));
      expect(await heard()).toMatch(/^0/);
      socket.send(`40${JSON.stringify({ token })}`);
      expect(await heard()).toMatch(token === user.token ? /^40/ : /^44.*unauthenticated/);
      socket.send(`40${JSON.stringify({ token: user.token })}`);
      await once(socket, 'close');
    }
  });

  test('and the close code of a plain WebSocket says that it was one too many, not a bad token', async () => {
    await setLimits({ user: 1 });
    await enter('plain WebSocket', { token: user.token });
    const client = await plainFrom(newAddress());
    expect(await client.ask('authenticate', { token: user.token })).toMatchObject({ error: { code: 'rate_limited' } });
    expect(await client.ended).toBe(4429);
    expect(client.told.at(-1)).toMatchObject({ type: 'rate_limited' });
  });
});

test.each(['/v1/elsewhere', '/v1/ws'])(
  'a client that breaks off while %s answers it ends nothing (G4)',
  async (path) => {
    await setLimits({ address: 1 });
    const { hostname, port } = new URL(apis[0].url);
    const address = newAddress();
    for (let i = 0; i < 20; i += 1) {
      const socket = connectTcp(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(upgradeRequest(apis[0].url, path, { 'X-Forwarded-For': address }), () => socket.resetAndDestroy());
      await once(socket, 'close');
    }
    expect(await knock('plain WebSocket', address, { path: '/v1/elsewhere' })).toMatchObject({ status: 404 });
  },
);

describe.each(transports)('connections that an account holds at once over %s (G6, S1)', (transport) => {
  async function connect(shown: Shown, api = apis[0]): Promise<LiveClient> {
    const client = await connectLive(transport, api.url, shown);
    open.push(client);
    return client;
  }

  test('are as many as its tier may on one gateway, however they were opened and renewed', async () => {
    await setLimits({ held: 2 });
    const { token } = user;
    const made = await apis[0].call('POST', '/v1/me/keys', {
      token,
      body: { name: 'live', permissions: ['session:read'] },
    });
    const { key: apiKey } = made.body.data as { key: string };
    const first = await connect({ token });
    await first.ask('authenticate', { token });
    await connect({ apiKey });
    const [one, other] = await Promise.all([connect({ token }), connect({ apiKey })]);
    for (const refused of [one, other]) {
      await refused.ended;
      expect(refused.told).toMatchObject([{ type: 'too_many_connections' }]);
    }
    for (const standing of [first, await connect({ token }, apis[1])]) {
      expect(await standing.ask('unsubscribe', { user: true })).toEqual({ ok: true });
    }
  });

  test('leave their place to others when they end', async () => {
    await setLimits({ held: 1 });
    const { liveConnections } = apis[1].resources.metrics;
    const connected = async () => (await liveConnections.get()).values[0]?.value;
    for (let i = 0; i < 3; i += 1) {
      await until(async () => (await connected()) === 0);
      const client = await connect({ token: user.token }, apis[1]);
      expect(await client.ask('unsubscribe', { user: true })).toEqual({ ok: true });
      client.disconnect();
    }
  });

  test('are counted apart for each link, which never keeps its owner out', async () => {
    await setLimits({ held: 2 });
    const id = await newSession(apis[0].resources.database, user.id);
    const newLink = async () => {
      const shared = await apis[0].call('POST', `/v1/sessions/${id}/shares`, { token: user.token, body: {} });
      return { share: (shared.body.data as { token: string }).token };
    };
    const [link, other] = [await newLink(), await newLink()];
    for (const shown of [link, link, other, other, { token: user.token }]) {
      expect(await (await connect(shown)).ask('subscribe', { sessionId: id })).toMatchObject({ ok: true });
    }
    const refused = await connect(link);
    await refused.ended;
    expect(refused.told).toMatchObject([{ type: 'too_many_connections' }]);
  });
});

test('a WebSocket that is refused for another reason is told so in the envelope (G3, G4)', async () => {
  const { status, headers, text } = await knock('plain WebSocket', newAddress(), { path: '/v1/elsewhere' });
  const body = JSON.parse(text) as Envelope;
  expectEnvelope({ status, headers, text, body });
  expect([status, body.error?.code]).toEqual([404, 'not_found']);
});
