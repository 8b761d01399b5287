import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { systemConfigRows } from '../db/systemConfig.ts';
import { withChanges, type SystemChanges } from '../domain/systemConfig.ts';
import { tierTerms, type Rates } from '../domain/tiers.ts';
import { createLogger } from '../observability/logger.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../tests/api.ts';
import { standApart } from '../tests/apart.ts';
import { until } from '../tests/until.ts';

/** Two gateways on a database and a Redis of their own, where limits are as tight as a test wants them. */

const limitsRedis = new URL(readConfig().REDIS_URL);
limitsRedis.pathname = '/5';
const changes = { ...(await standApart()), REDIS_URL: limitsRedis.href };
const lines: string[] = [];
const logger = createLogger({ service: 'api', level: 'info', destination: { write: (line) => void lines.push(line) } });

let apis: [TestApi, TestApi];
let admin: TestUser;
beforeAll(async () => {
  apis = [await startTestApi({ changes, deps: { logger } }), await startTestApi({ changes })];
  admin = await apis[0].newUser('admin');
});
afterAll(async () => {
  await Promise.all(apis.map((api) => api.close()));
});

beforeEach(() => setLimits(basicReads(1_000)));

const wide: Rates = { auth: 100_000, read: 100_000, write: 100_000, analysis: 100_000, upload: 100_000 };
const basicReads = (read: number): SystemChanges => ({
  tiers: { basic: { requestsPerMinute: { ...wide, read } } },
  addressRequestsPerMinute: wide,
});

const readPage = () => apis[0].call('GET', '/v1/admin/config', { token: admin.token });
const put = (body: object, ifMatch: string) =>
  apis[0].call('PUT', '/v1/admin/config', { token: admin.token, body, headers: { 'If-Match': ifMatch } });

/** Sets the limits as the command does, which no limit can refuse, and waits until both gateways go by them. */
async function setLimits(changes: SystemChanges): Promise<void> {
  const { database, systemConfig } = apis[0].resources;
  const rows = systemConfigRows(database);
  await rows.addAfter((await rows.newest()).version, { changes, by: null });
  await systemConfig.remember(changes);
  await untilBothKnow(changes);
}

async function untilBothKnow(changes: SystemChanges): Promise<void> {
  const wanted = withChanges(changes);
  for (const { resources } of apis) {
    await until(async () => isDeepStrictEqual(await resources.systemConfig.current(), wanted));
  }
}

const read = (api: TestApi, user: TestUser, headers: Record<string, string> = {}) =>
  api.call('GET', '/v1/me', { token: user.token, headers });

/** `"user";r=4;t=60, "address";r=9;t=60` as what is left by name. */
function left(answer: Answer): Record<string, number> {
  const found = (answer.headers.get('ratelimit') ?? '').matchAll(/"([\w-]+)";r=(\d+);t=\d+/g);
  return Object.fromEntries([...found].map(([, name = '', remaining]) => [name, Number(remaining)]));
}

describe('of 1,000 requests at once to two gateways', () => {
  test('exactly 100 pass a limit of 100, and the others are told when to come again (G6)', async () => {
    await setLimits(basicReads(100));
    const user = await apis[0].newUser();
    const statuses = await Promise.all(
      Array.from({ length: 1_000 }, async (_, i) => {
        const url = `${apis[i % 2 === 0 ? 0 : 1].url}/v1/me`;
        const answer = await fetch(url, { headers: { Authorization: `Bearer ${user.token}` } });
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(statuses.filter((status) => status === 200)).toHaveLength(100);

    const refused = await read(apis[0], user);
    expect(refused.body.error).toMatchObject({ code: 'rate_limited', retryable: true });
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(60);
  });
});

describe('a list of sessions counts as as many requests as it holds', () => {
  const session = { sessionType: 'dowsing', cue: 'Is it here?', autoAnalyze: false };
  /** What is no session counts too, and nothing has to be made of it. */
  const listOf = (length: number, entry: unknown = 7) => ({ sessions: Array.from({ length }, () => entry) });
  const send = (api: TestApi, user: TestUser, body: object) =>
    api.call('POST', '/v1/sessions/bulk', { token: user.token, body });
  const writes = (write: number): SystemChanges => ({
    tiers: { basic: { requestsPerMinute: { ...wide, write } } },
    addressRequestsPerMinute: wide,
  });

  test('on two gateways, to the last one, and is refused as a whole before anything is made of it (G6, A1)', async () => {
    await setLimits(writes(100));
    const user = await apis[0].newUser();
    const first = await send(apis[0], user, listOf(60));
    expect([first.status, left(first).user]).toEqual([200, 40]);
    const refused = await send(apis[1], user, listOf(41, session));
    expect([refused.status, refused.body.error?.code, left(refused).user]).toEqual([429, 'rate_limited', 39]);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect((await apis[0].call('GET', '/v1/sessions', { token: user.token })).body.data).toMatchObject({ items: [] });
    const last = await send(apis[1], user, listOf(39));
    expect([last.status, left(last).user]).toEqual([200, 0]);
    expect((await send(apis[0], user, listOf(1))).status).toBe(429);
  });

  test('of those that come at once to two gateways exactly those pass that fit (G6)', async () => {
    await setLimits(writes(100));
    const user = await apis[0].newUser();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => send(apis[i % 2 === 0 ? 0 : 1], user, listOf(20))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  test('and one that no minute has room for is told so, and counts as one (G6)', async () => {
    await setLimits(writes(80));
    const user = await apis[0].newUser();
    const tooLong = await send(apis[0], user, listOf(81, session));
    expect([tooLong.status, tooLong.body.error?.code, left(tooLong).user]).toEqual([400, 'validation_failed', 79]);
    expect(tooLong.body.error?.details).toEqual([{ path: 'body', message: expect.stringContaining('80 a minute') }]);
    expect((await send(apis[1], user, listOf(79))).status).toBe(200);
  });

  test('and what is no list, or not let in, counts as one (G6)', async () => {
    await setLimits(writes(4));
    const user = await apis[0].newUser();
    const path = '/v1/sessions/bulk';
    const { body } = await apis[0].call('POST', '/v1/me/keys', {
      token: user.token,
      body: { name: 'a test', permissions: ['session:read'] },
    });
    const answers = [
      await apis[0].call('POST', path, {
        token: user.token,
        text: '{',
        headers: { 'Content-Type': 'application/json' },
      }),
      await apis[0].call('POST', path, { token: user.token, text: '[]', headers: { 'Content-Type': 'text/plain' } }),
      await send(apis[0], user, { sessions: 'none' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 415, 400]);
    expect(answers.map((answer) => left(answer).user)).toEqual([2, 1, 0]);
    // Not even read any more.
    const malformed = { token: user.token, text: '{', headers: { 'Content-Type': 'application/json' } };
    expect((await apis[1].call('POST', path, malformed)).status).toBe(429);

    const byAddress = async (headers: Record<string, string>) => {
      const answer = await apis[0].call('POST', path, { headers, body: listOf(1) });
      return [answer.status, left(answer).address];
    };
    const { key } = body.data as { key: string };
    await setLimits(writes(10));
    /** With nothing shown, then with these headers; anew where what was counted a minute ago was let go in between. */
    const countedOne = (headers: Record<string, string>) =>
      until(
        async () => [...(await byAddress({})), ...(await byAddress(headers))],
        ([, before = 0, , after]) => after === before - 1,
      );
    expect((await countedOne({ Authorization: 'Bearer none' }))[2]).toBe(401);
    expect((await countedOne({ 'X-API-Key': key }))[2]).toBe(403);
  });
});

describe('an answer says how much is left', () => {
  test('by the policies that apply: account, key and address (G6)', async () => {
    await setLimits(basicReads(7));
    const user = await apis[0].newUser();
    const first = await read(apis[0], user);
    expect(first.headers.get('ratelimit-policy')).toBe('"user";q=7;w=60, "address";q=100000;w=60');
    expect(left(first).user).toBe(6);
    expect(left(await read(apis[1], user)).user).toBe(5);
    expect(first.headers.has('retry-after')).toBe(false);

    const { body } = await apis[0].call('POST', '/v1/me/keys', {
      token: user.token,
      body: { name: 'a test', permissions: ['account:read'] },
    });
    const { key } = body.data as { key: string };
    const byKey = await apis[0].call('GET', '/v1/me', { headers: { 'X-API-Key': key } });
    const { read: ofKey } = tierTerms.basic.keyRequestsPerMinute;
    expect(left(byKey)).toMatchObject({ user: 4, key: ofKey - 1 });
  });

  test('to a stranger by address alone, and what watches the platform is not counted (G6)', async () => {
    await setLimits(basicReads(100));
    const stranger = await apis[0].call('GET', '/v1/me');
    expect(stranger.status).toBe(401);
    expect(Object.keys(left(stranger))).toEqual(['address']);
    for (const path of ['/healthz', '/readyz']) {
      expect((await apis[0].call('GET', path)).headers.has('ratelimit')).toBe(false);
    }
  });
});

describe('an address', () => {
  test('is limited whoever calls from it, wrong credentials included (G6)', async () => {
    const [user, other] = [await apis[0].newUser(), await apis[0].newUser()];
    await setLimits({ addressRequestsPerMinute: { ...wide, read: 5 } });
    const statuses: number[] = [];
    for (const token of [user.token, other.token, 'none', user.token, other.token, user.token, 'none', other.token]) {
      statuses.push((await apis[0].call('GET', '/v1/me', { token })).status);
    }
    expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(5);
    expect(statuses.slice(-3)).toEqual([429, 429, 429]);
  });

  test('is the one of the connection, unless a proxy is trusted, and never stands in a log (G6, I5)', async () => {
    const behind = await startTestApi({ changes: { ...changes, TRUST_PROXY: 1 }, deps: { logger } });
    try {
      const address = () => `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:1`;
      const [near, far] = [address(), address()];
      const seen = async (api: TestApi, from: string) =>
        left(await read(api, admin, { 'X-Forwarded-For': from })).address ?? -1;
      // What was counted of this machine a minute ago may be let go in between.
      await until(
        async () => [await seen(apis[0], `${near}::1`), await seen(apis[0], `${far}::1`)],
        ([before = 0, after]) => after === before - 1,
      );

      const first = await seen(behind, `${near}::1`);
      expect(await seen(behind, `${far}::1`)).toBe(first);
      // One customer's network is one address.
      expect(await seen(behind, `${near}:aaaa::7`)).toBe(first - 1);
      expect(lines.length).toBeGreaterThan(0);
      for (const text of [near, far, '127.0.0.1']) expect(lines.join('')).not.toContain(text);
    } finally {
      await behind.close();
    }
  });
});

describe('while Redis is gone', () => {
  test('the gateway counts for itself, says so in header and metric, and serves (G6)', async () => {
    await setLimits(basicReads(3));
    const without = await startTestApi({ changes: { ...changes, REDIS_URL: 'redis://127.0.0.1:1' } });
    try {
      const user = await without.newUser();
      const answers: Answer[] = [];
      for (let i = 0; i < 5; i += 1) answers.push(await read(without, user));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
      expect(Object.keys(left(answers[0] as Answer))).toEqual(['user-process', 'address-process']);
      const page = await (await fetch(`${without.url}/metrics`)).text();
      expect(page).toMatch(/rate_limit_decisions_total\{class="read",outcome="refused",counted_by="process"[^}]*\} 2/);
    } finally {
      await without.close();
    }
  });
});

describe('the configuration', () => {
  test('is changed against the version that was read, by whom and when is kept, and what is not named is the default', async () => {
    const before = await readPage();
    const etag = before.headers.get('etag') ?? '';
    const changed = await put({ clientVersions: { refusedBelow: '1.2.0' }, addressRequestsPerMinute: wide }, etag);
    expect(changed.body.data).toMatchObject({
      version: (before.body.data as { version: number }).version + 1,
      changes: { clientVersions: { refusedBelow: '1.2.0' } },
      changedBy: admin.id,
      config: {
        tiers: { basic: { requestsPerMinute: tierTerms.basic.requestsPerMinute } },
        clientVersions: { deprecatedBelow: '1.1.0', refusedBelow: '1.2.0' },
      },
    });
    expect(changed.headers.get('etag')).not.toBe(etag);
    const late = await put({}, etag);
    expect(late.body.error?.code).toBe('changed_meanwhile');
    expect((await readPage()).body.data).toMatchObject(changed.body.data);
    await untilBothKnow({ clientVersions: { refusedBelow: '1.2.0' }, addressRequestsPerMinute: wide });
  });

  test('of two who change the same version at once one wins, and the other is told', async () => {
    const etag = (await readPage()).headers.get('etag') ?? '';
    const answers = await Promise.all([put(basicReads(2_000), etag), put(basicReads(3_000), etag)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  test('takes no change that would lock everybody out, and none that it does not know', async () => {
    const etag = (await readPage()).headers.get('etag') ?? '';
    for (const wrong of [
      { tiers: { basic: { requestsPerMinute: { read: 0 } } } },
      { tiers: { gold: {} } },
      { tiers: { basic: { permissions: ['model:manage'] } } },
      { clientVersions: { refusedBelow: 'newest' } },
      { anything: 1 },
    ]) {
      expect((await put(wrong, etag)).body.error?.code).toBe('validation_failed');
    }
    expect((await apis[0].call('PUT', '/v1/admin/config', { token: admin.token, body: {} })).status).toBe(400);
  });

  test('takes a permission from a tier at once, from tokens that are out as well', async () => {
    const user = await apis[0].newUser();
    expect((await apis[1].call('GET', '/v1/stats', { token: user.token })).status).toBe(200);
    await setLimits({ ...basicReads(1_000), tiers: { basic: { permissions: ['session:read'] } } });
    for (const api of apis) {
      expect((await api.call('GET', '/v1/stats', { token: user.token })).body.error?.code).toBe('forbidden');
      expect((await api.call('GET', '/v1/sessions', { token: user.token })).status).toBe(200);
    }
  });
});
