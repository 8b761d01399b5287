import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRoutes } from '../api/app.ts';
import { createOpenApiDocument } from '../api/openapi.ts';
import type { FileRoute, JsonRoute } from '../api/route.ts';
import { insertPasskey } from '../db/passkeys.ts';
import { startTestApi, type Answer, type CallOptions, type TestApi, type TestUser } from './api.ts';

/*
 * The attacks that the gateway must withstand (G5, I5, S1), and where each is tried:
 *
 * algorithm confusion, tricks with `kid`, expired, for another audience   api/auth/accessTokens.test.ts, api/badInput.test.ts
 * a refresh token that comes again                                        api/auth/logins.test.ts
 * someone else's ids on every route                                       here; in the database itself: db/database.test.ts
 * fields that are not the client's to set (mass assignment)               here; api/auth/auth.test.ts, api/sessions/sessions.test.ts
 * SQL and header injection, prototype pollution, CSRF                     here; foreign web pages: api/edge.test.ts
 * tricks with paths in ids and file names                                 here; in object keys: integrations/uploads.test.ts
 * an address of object storage after its time, or for something else      integrations/uploads.test.ts
 * bodies too large, and small ones that burst                             api/edge.test.ts, api/badInput.test.ts
 * images that burst or carry something                                    api/attachments/attachments.test.ts
 * a socket without a token or with an old one, somebody else's room       api/live/live.test.ts
 * a request that two could read differently (smuggling)                  api/edge.test.ts
 * a socket that floods, or never reads                                    api/live/floods.test.ts, api/live/connections.test.ts
 * our own network through webhooks (SSRF)                                 integrations/webhookSender.test.ts
 * a stolen access token that erases the account                           api/privacy/privacy.test.ts
 * whatever else a machine thinks of                                       tests/fuzz/fuzz.test.ts
 */

let api: TestApi;
let user: TestUser;
let stranger: TestUser;
/** What the user has, by the place that its id takes in a path. */
let owned: Record<string, string>;

beforeAll(async () => {
  api = await startTestApi({ worker: true });
  [user, stranger] = await Promise.all([api.newUser(), api.newUser()]);
  owned = await belongingsOf(user);
});
afterAll(async () => {
  // What was still to be delivered to nobody ends with it.
  await api.call('DELETE', `/v1/webhooks/${owned['/v1/webhooks/{id}']}`, { token: user.token });
  await api.close();
});

const session = { sessionType: 'remote_viewing', cue: 'MARKER-CUE', impressions: { words: ['a tower'] } };
const file = { fileName: 'notes.txt', mediaType: 'text/plain', sizeBytes: 1, sha256: '0'.repeat(64) };
const webhook = { url: 'http://127.0.0.1:1/', events: ['session.completed'] };

async function belongingsOf({ id: userId, token }: TestUser): Promise<Record<string, string>> {
  const made = async (path: string, body?: unknown): Promise<{ id: string; attachment?: { id: string } }> => {
    const answer = await api.call('POST', path, { token, body });
    expect(answer.status).toBeLessThan(300);
    return answer.body.data;
  };
  const { id: sessionId } = await made('/v1/sessions', { ...session, autoAnalyze: false });
  const { attachment } = await made(`/v1/sessions/${sessionId}/attachments`, file);
  const { id: shareId } = await made(`/v1/sessions/${sessionId}/shares`, {});
  const { id: webhookId } = await made('/v1/webhooks', webhook);
  const { id: deliveryId } = await made(`/v1/webhooks/${webhookId}/test`);
  const { id: keyId } = await made('/v1/me/keys', { name: 'mine', permissions: ['session:read'], expiresAt: null });
  const passkeyId = randomUUID();
  await insertPasskey(api.resources.database.asUser(userId), {
    ...{ id: passkeyId, user: userId, credentialId: passkeyId, publicKey: 'none', counter: 0 },
    ...{ transports: [], backedUp: false, label: 'mine' },
  });
  const logins = await api.call('GET', '/v1/me/logins', { token });
  const [login] = (logins.body.data as { items: { id: string }[] }).items;
  return {
    '/v1/sessions/{id}': sessionId,
    '{attachmentId}': attachment?.id ?? '',
    '{shareId}': shareId,
    '/v1/webhooks/{id}': webhookId,
    '{deliveryId}': deliveryId,
    '/v1/me/keys/{id}': keyId,
    '/v1/me/logins/{id}': login?.id ?? '',
    '/v1/me/passkeys/{id}': passkeyId,
  };
}

const routes = () => createRoutes(api.deps).filter((route) => route.kind !== 'plain');
const nameOf = ({ method, path }: JsonRoute | FileRoute) => `${method.toUpperCase()} ${path}`;

/** The path of a route with an id at each of its places; throws where the place is new and nothing is named for it. */
function pathWith(route: JsonRoute | FileRoute, idAt: (place: string) => string | undefined): string {
  const places = route.path.match(/^\/v1\/.*?\{id\}|\{\w+\}/g) ?? [];
  return places.reduce((path, place) => {
    const id = idAt(place);
    if (id === undefined) throw new Error(`${nameOf(route)} has an id that this test has no owner for`);
    return path.replace(place, place.replace(/\{\w+\}/, id));
  }, route.path);
}

describe('what belongs to somebody else (G5, I5)', () => {
  /** Bodies that are as they should be, so that nothing but the id is wrong. */
  const bodies: Record<string, unknown> = {
    'PATCH /v1/sessions/{id}': { cue: 'mine now' },
    'POST /v1/sessions/{id}/attachments': file,
    'POST /v1/sessions/{id}/shares': {},
    'POST /v1/sessions/{id}/outcome': { outcome: { words: ['a tower'] } },
    'PATCH /v1/webhooks/{id}': { active: false },
    'PATCH /v1/me/keys/{id}': { name: 'mine now' },
    'PATCH /v1/me/passkeys/{id}': { label: 'mine now' },
  };
  /** Whoever knows the id may read a receipt; models are everybody's or their operators', and all of /v1/admin/ is operators'. */
  const nobodys = ['/v1/erasures/{id}', '/v1/shared/{token}', '/v1/models/', '/v1/admin/'];

  const told = ({ status, headers, body }: Answer) => ({
    status,
    error: body.error,
    headers: [...headers].filter(([name]) => !/^(date|x-request-id|ratelimit.*)$/.test(name)),
  });

  test('cannot be told from what never was, on every route that takes an id', async () => {
    const ownable = routes().filter(
      ({ path }) => path.includes('{') && !nobodys.some((prefix) => path.startsWith(prefix)),
    );
    expect(ownable.length).toBeGreaterThan(20);
    for (const route of ownable) {
      const options = { token: stranger.token, body: bodies[nameOf(route)] };
      const method = route.method.toUpperCase();
      const theirs = await api.call(
        method,
        pathWith(route, (place) => owned[place]),
        options,
      );
      const absent = await api.call(
        method,
        pathWith(route, () => randomUUID()),
        options,
      );
      expect([nameOf(route), theirs.status, theirs.body.error?.code]).toEqual([nameOf(route), 404, 'not_found']);
      expect(told(theirs)).toEqual(told(absent));
    }
  });

  test('is as it was after all of that', async () => {
    const read = (path: string) => api.call('GET', path, { token: user.token });
    const { ['/v1/sessions/{id}']: sessionId = '', ['{attachmentId}']: attachmentId = '' } = owned;
    expect((await read(`/v1/sessions/${sessionId}`)).body.data).toMatchObject({ cue: 'MARKER-CUE', status: 'created' });
    expect((await read(`/v1/sessions/${sessionId}/attachments/${attachmentId}`)).status).toBe(200);
    expect((await read(`/v1/sessions/${sessionId}/shares`)).body.data).toMatchObject({ items: [{}] });
    const webhooks = await read('/v1/webhooks');
    expect(webhooks.body.data).toMatchObject({ items: [{ id: owned['/v1/webhooks/{id}'], active: true }] });
  });
});

describe('fields that are not the client’s to set (mass assignment)', () => {
  interface Schema {
    $ref?: string;
    properties?: object;
    additionalProperties?: unknown;
    oneOf?: Schema[];
    anyOf?: Schema[];
    allOf?: Schema[];
  }

  test('have no way in: every body refuses what it does not name', () => {
    const document = createOpenApiDocument(createRoutes(api.deps)) as unknown as {
      paths: Record<string, Record<string, { requestBody?: { content: { 'application/json': { schema: Schema } } } }>>;
      components: { schemas: Record<string, Schema> };
    };
    const resolve = (schema: Schema): Schema[] => {
      const { $ref, oneOf = [], anyOf = [], allOf = [] } = schema;
      const named = $ref === undefined ? [] : [document.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {}];
      const inner = [...named, ...oneOf, ...anyOf, ...allOf];
      return inner.length > 0 ? inner.flatMap(resolve) : [schema];
    };
    const bodies = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { requestBody }]) =>
        requestBody === undefined
          ? []
          : resolve(requestBody.content['application/json'].schema).map((schema) => ({ path, method, schema })),
      ),
    );
    expect(bodies.length).toBeGreaterThan(10);
    const open = bodies.filter(({ schema }) => schema.additionalProperties !== false);
    expect(open.map(({ path, method }) => `${method} ${path}`)).toEqual([]);
  });

  test.each(['tier', 'role', 'permissions', 'id', 'userId', 'user_id', 'createdAt'])('%s is one', async (field) => {
    const name = randomUUID();
    const account = { email: `${name}@example.com`, username: name, password: `pw-${name}` };
    const value = { tier: 'enterprise', role: 'admin', permissions: ['model:manage'] }[field] ?? stranger.id;
    for (const [path, body] of [
      ['/v1/auth/register', account],
      ['/v1/sessions', session],
      ['/v1/webhooks', webhook],
    ] as const) {
      const answer = await api.call('POST', path, { token: user.token, body: { ...body, [field]: value } });
      expect([answer.status, answer.body.error?.code]).toEqual([400, 'validation_failed']);
    }
  });
});

describe('SQL in what a client sends', () => {
  const sql = [
    `' or '1'='1`,
    `'; drop table sessions; --`,
    `" or ""="`,
    `\\'; select pg_sleep(60); --`,
    `') union select id, cue from sessions --`,
    `%' or cue like '%`,
  ];

  test('is a word like any other in every parameter of every list', async () => {
    const lists = routes().filter(({ method, request }) => method === 'get' && request.query !== undefined);
    expect(lists.length).toBeGreaterThan(2);
    for (const route of lists) {
      const path = pathWith(route, (place) => (place === '{name}' ? 'dowsing' : owned[place]));
      for (const parameter of Object.keys(route.request.query?.shape ?? {})) {
        for (const text of sql) {
          const query = new URLSearchParams({ [parameter]: text });
          const answer = await api.call('GET', `${path}?${query.toString()}`, { token: stranger.token });
          expect([route.path, parameter, [200, 400, 403, 404].includes(answer.status)]).toEqual([
            route.path,
            parameter,
            true,
          ]);
          expect(answer.text).not.toContain('MARKER-CUE');
        }
      }
    }
  });

  test.each(sql)('is kept as it was written: %s', async (text) => {
    const body = {
      ...session,
      cue: text,
      impressions: { words: [text] },
      autoAnalyze: false,
      metadata: { [text]: text },
    };
    const created = await api.call('POST', '/v1/sessions', { token: user.token, body });
    expect(created.status).toBe(201);
    const { id } = created.body.data as { id: string };
    const read = await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
    const { cue, impressions, metadata } = body;
    expect(read.body.data).toMatchObject({ cue, impressions, metadata });
  });
});

test('a NUL, which PostgreSQL cannot store, is refused by the name of its field', async () => {
  for (const [path, body, field] of [
    ['/v1/sessions', { ...session, cue: 'a\u0000b' }, 'cue'],
    ['/v1/me/keys', { name: 'a\u0000b', permissions: ['session:read'] }, 'name'],
    ['/v1/webhooks', { ...webhook, description: 'a\u0000b' }, 'description'],
    ['/v1/webhooks', { ...webhook, url: `${webhook.url}\u0000` }, 'url'],
  ] as const) {
    const answer = await api.call('POST', path, { token: user.token, body });
    expect([path, answer.status]).toEqual([path, 400]);
    expect(answer.body.error?.details?.map((detail) => detail.path)).toEqual([field]);
  }
});

test('the names that prototypes hang on are names like any other', async () => {
  const texts = [
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '[{"__proto__":{"polluted":true}}]',
  ];
  for (const route of routes().filter(({ request }) => request.body !== undefined)) {
    const path = pathWith(route, (place) => (place === '{name}' ? 'dowsing' : (owned[place] ?? randomUUID())));
    for (const text of texts) {
      const answer = await api.call(route.method.toUpperCase(), path, { token: user.token, text });
      expect([nameOf(route), [400, 403].includes(answer.status)]).toEqual([nameOf(route), true]);
    }
  }
  const inside = `{"sessionType":"dowsing","cue":"x","metadata":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}}`;
  await api.call('POST', '/v1/sessions', { token: user.token, text: inside });
  for (const query of [
    '__proto__[polluted]=true',
    '__proto__.polluted=true',
    'constructor[prototype][polluted]=true',
  ]) {
    expect((await api.call('GET', `/v1/sessions?${query}`, { token: user.token })).status).toBe(400);
  }
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

describe('a web page elsewhere that has the browser send something (CSRF)', () => {
  const foreign = { Origin: 'https://evil.example.com', Referer: 'https://evil.example.com/' };
  const forms = ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'];

  test('reaches nothing: no cookie is taken for a token, on any route', async () => {
    const cookies = ['token', 'accessToken', 'access_token', 'Authorization', 'session'];
    const Cookie = cookies.map((name) => `${name}=${user.token}`).join('; ');
    const guarded = routes().filter(({ access }) => access !== 'public');
    for (const route of guarded) {
      const path = pathWith(route, (place) => (place === '{name}' ? 'dowsing' : (owned[place] ?? randomUUID())));
      const options = { headers: { ...foreign, Cookie } };
      expect([nameOf(route), (await api.call(route.method.toUpperCase(), path, options)).status]).toEqual([
        nameOf(route),
        401,
      ]);
    }
  });

  test.each(forms)('cannot sign anybody in or up by a form of %s', async (contentType) => {
    const open = routes().filter(({ access, request }) => access === 'public' && request.body !== undefined);
    for (const { path } of open) {
      const text = JSON.stringify({ email: user.email, password: user.password });
      const answer = await api.call('POST', path, { text, headers: { ...foreign, 'Content-Type': contentType } });
      expect([path, answer.status]).toEqual([path, 415]);
    }
  });

  test('and no answer ever sets a cookie', async () => {
    const signedIn = await api.call('POST', '/v1/auth/login', {
      body: { email: user.email, password: user.password },
      headers: foreign,
    });
    expect(signedIn.status).toBe(200);
    const { refreshToken } = signedIn.body.data as { refreshToken: string };
    const refreshed = await api.call('POST', '/v1/auth/refresh', { body: { refreshToken } });
    const left = await api.call('POST', '/v1/auth/logout', { body: { refreshToken } });
    for (const { headers } of [signedIn, refreshed, left]) expect(headers.has('set-cookie')).toBe(false);
  });
});

describe('tricks in a path', () => {
  const tricks = [
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f%2e%2e%2f',
    '..%5c..%5cwindows',
    '%00',
    'a%00b',
    '%c0%ae%c0%ae%2f',
    '%252e%252e%252f',
    '%zz',
    '%0d%0aSet-Cookie:%20a=b',
    '$%7Bjndi:ldap:%2f%2f127.0.0.1%2fa%7D',
  ];

  test.each(tricks)('lead nowhere: %s', async (trick) => {
    const { ['/v1/sessions/{id}']: sessionId = '' } = owned;
    for (const path of [
      `/v1/sessions/${trick}`,
      `/v1/sessions/${sessionId}/attachments/${trick}`,
      `/v1/models/${trick}`,
      `/v1/shared/${trick}`,
      `/v1/docs/${trick}`,
      `/${trick}`,
    ]) {
      const answer = await api.call('GET', path, { token: user.token });
      expect([path, [400, 404].includes(answer.status)]).toEqual([path, true]);
      expect(answer.headers.has('set-cookie')).toBe(false);
    }
  });

  test.each(['../x', 'a/b', 'a\\b', 'C:\\x', 'a\u0000b', 'a\r\nSet-Cookie: a=b', 'a\u202egnp.exe', '\u200b'])(
    'are no file name: %j',
    async (fileName) => {
      const options: CallOptions = { token: user.token, body: { ...file, fileName } };
      const answer = await api.call('POST', `/v1/sessions/${owned['/v1/sessions/{id}']}/attachments`, options);
      expect(answer.status).toBe(400);
      expect(answer.body.error?.details?.map(({ path }) => path)).toEqual(['fileName']);
    },
  );
});
