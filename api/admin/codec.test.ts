import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { AuditEntry, listAuditOf } from '../../db/auditEntries.ts';
import { grantRole } from '../../db/roles.ts';
import { createPayloadCodec } from '../../temporal/codec.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';

const webUi = 'http://127.0.0.1:8233';
let api: TestApi;
let operator: TestUser;
beforeAll(async () => {
  api = await startTestApi({ changes: { TEMPORAL_UI_URL: webUi } });
  operator = await api.newUser('operator');
});
afterAll(() => api.close());

const decodePath = '/v1/admin/codec/decode';
const json = { 'Content-Type': 'application/json' };

function toJson({ metadata, data }: Payload) {
  const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, text(bytes)])),
    data: text(data),
  };
}

/** A payload of a workflow as Temporal has it. */
async function sealed(value: unknown, workflowId: string, keys = api.deps.payloadKeys) {
  const context = { type: 'workflow', namespace: 'mindpeeker', workflowId } as const;
  const [payload] = await createPayloadCodec(keys).encode([defaultPayloadConverter.toPayload(value)], context);
  return toJson(payload ?? {});
}

const valuesIn = (answer: Answer) =>
  (JSON.parse(answer.text) as { payloads: { data: string }[] }).payloads.map(({ data }) =>
    Buffer.from(data, 'base64').toString(),
  );

describe('An operator (T5, I5)', () => {
  test('reads the payloads of a session, and the audit says who read which, in which namespace', async () => {
    const sessionId = randomUUID();
    const payloads = [await sealed('one', `session-${sessionId}`), await sealed({ two: 2 }, `session-${sessionId}`)];
    const answer = await api.call('POST', decodePath, {
      token: operator.token,
      headers: { 'X-Namespace': 'mindpeeker' },
      body: { payloads },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(valuesIn(answer)).toEqual(['"one"', '{"two":2}']);
    expect(await listAuditOf(api.resources.database.asService(), sessionId, 10)).toMatchObject([
      {
        action: 'decode',
        outcome: 'done',
        byUser: operator.id,
        details: {
          namespace: 'mindpeeker',
          payloads: 2,
          opened: 2,
          workflows: 1,
          workflowIds: `session-${sessionId}`,
        },
      },
    ]);
  });

  test('gets back as it came what was never sealed, and what does not open', async () => {
    const { token, id } = await api.newUser('operator');
    const clear = { ...toJson(defaultPayloadConverter.toPayload('clear')), externalPayloads: [] };
    const foreign = await sealed('foreign', 'session-1', [{ id: 'nobody', key: randomBytes(32) }]);
    const payloads = [clear, foreign, await sealed('mine', 'export-account-1'), await sealed('mine', 'session-no-id')];
    const answer = await api.call('POST', decodePath, { token, body: { payloads } });
    const got = (JSON.parse(answer.text) as { payloads: unknown[] }).payloads;
    expect(got.slice(0, 2)).toEqual([clear, foreign]);
    expect(valuesIn(answer).slice(2)).toEqual(['"mine"', '"mine"']);
    const rows = await api.resources.database.asService().find(AuditEntry, { byUser: id });
    expect(rows).toMatchObject([
      { sessionId: null, details: { namespace: null, payloads: 4, opened: 2, workflows: 2 } },
    ]);
  });

  test('has the command line’s own payloads encrypted, and only those whose keys we have come back open', async () => {
    const { token } = operator;
    const payloads = [toJson(defaultPayloadConverter.toPayload('asked'))];
    const encoded = await api.call('POST', '/v1/admin/codec/encode', { token, body: { payloads } });
    expect(encoded.text).not.toContain(payloads[0]?.data);
    const decoded = await api.call('POST', decodePath, { token, text: encoded.text });
    expect(JSON.parse(decoded.text)).toEqual({ payloads });
    // It leaves out what is empty.
    const none = await api.call('POST', '/v1/admin/codec/encode', { token, body: {} });
    expect(JSON.parse(none.text)).toEqual({ payloads: [] });
  });

  test('is told what is no payload', async () => {
    for (const body of [
      { payloads: 1 },
      { payloads: [{ data: 'no base64!' }] },
      { payloads: [{ metadata: { a: 1 } }] },
    ]) {
      const answer = await api.call('POST', decodePath, { token: operator.token, body });
      expect(answer.body.error?.code).toBe('validation_failed');
    }
  });

  test('who is none reads nothing, and nothing is written down', async () => {
    const { token, id } = await api.newUser();
    const body = { payloads: [await sealed('secret', 'session-1')] };
    const answer = await api.call('POST', decodePath, { token, body });
    expect(answer.body.error?.code).toBe('forbidden');
    expect(answer.text).not.toContain('secret');
    expect(await api.resources.database.asService().count(AuditEntry, { byUser: id })).toBe(0);
  });
});

describe('The Temporal Web UI in an operator’s browser', () => {
  /** What the browser keeps after its operator signed in. */
  async function cookieOf({ token }: { token: string }): Promise<string> {
    const { status, headers } = await api.call('POST', '/v1/admin/codec/session', { token });
    expect(status).toBe(201);
    return headers.get('set-cookie') ?? '';
  }
  const shownBy = (setCookie: string) => setCookie.split(';', 1)[0] ?? '';

  async function decode(headers: Record<string, string>) {
    const body = JSON.stringify({ payloads: [await sealed('told', 'session-1')] });
    return fetch(`${api.url}${decodePath}`, { method: 'POST', headers: { ...json, ...headers }, body });
  }

  test('opens payloads with a cookie that no script sees, for an hour, of that path alone (S1)', async () => {
    const setCookie = await cookieOf(operator);
    expect(setCookie).toMatch(
      /^mindpeeker_codec=[\w.-]+; Path=\/v1\/admin\/codec; Max-Age=3600; HttpOnly; SameSite=Strict$/,
    );
    const answer = await decode({ Cookie: `other=1; ${shownBy(setCookie)}`, Origin: webUi });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(webUi);
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    expect(await answer.text()).toContain(Buffer.from('"told"').toString('base64'));
  });

  test('is given a cookie for HTTPS alone where we are reached by that', async () => {
    const secure = await startTestApi({ changes: { PUBLIC_URL: 'https://api.example.com' } });
    const { headers } = await secure.call('POST', '/v1/admin/codec/session', { token: operator.token });
    expect(headers.get('set-cookie')).toMatch(/; Secure$/);
    await secure.close();
  });

  test.each(['https://evil.example.com', 'http://127.0.0.1:3000', 'null', undefined])(
    'is nobody else: a page at %s opens nothing with that cookie (S1)',
    async (Origin) => {
      const Cookie = shownBy(await cookieOf(operator));
      const answer = await decode({ Cookie, ...(Origin === undefined ? {} : { Origin }) });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  test('may ask before it sends its cookie, and no other page may', async () => {
    const preflight = (Origin: string) =>
      fetch(`${api.url}${decodePath}`, {
        method: 'OPTIONS',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'content-type,x-namespace',
        },
      });
    const allowed = await preflight(webUi);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-credentials')).toBe('true');
    expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('x-namespace');
    expect((await preflight('https://evil.example.com')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('opens nothing with a cookie that was made up, is another’s, or is an access token', async () => {
    const [own, anothers] = [await cookieOf(operator), await cookieOf(await api.newUser('operator'))].map(
      (cookie) => /^mindpeeker_codec=(?<login>[0-9a-f-]{36})\.(?<token>[^;]+)/.exec(cookie)?.groups,
    );
    for (const value of [
      operator.token,
      `${own?.login}.${operator.token}`,
      `${own?.login}.${anothers?.token}`,
      `${own?.login}.`,
    ]) {
      expect((await decode({ Cookie: `mindpeeker_codec=${value}`, Origin: webUi })).status).toBe(401);
    }
  });

  test('opens nothing once the log-in has ended, nor once its operator is none', async () => {
    const [left, demoted] = [await api.newUser('operator'), await api.newUser('operator')];
    const [cookieOfLeft, cookieOfDemoted] = [shownBy(await cookieOf(left)), shownBy(await cookieOf(demoted))];
    await api.call('POST', '/v1/auth/logout-everywhere', { token: left.token });
    await grantRole(api.resources.database.asService(), demoted.email, 'user');
    expect((await decode({ Cookie: cookieOfLeft, Origin: webUi })).status).toBe(401);
    expect((await decode({ Cookie: cookieOfDemoted, Origin: webUi })).status).toBe(403);
  });

  test('shows its cookie in vain on every other route', async () => {
    const Cookie = shownBy(await cookieOf(operator));
    const answer = await api.call('GET', '/v1/me', { headers: { Cookie, Origin: webUi } });
    expect(answer.status).toBe(401);
  });

  test('leads to a page that signs its operator in and loads nothing from elsewhere', async () => {
    for (const path of ['/v1/admin/codec', '/v1/admin/codec/page.js']) {
      const answer = await fetch(`${api.url}${path}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await answer.text()).not.toMatch(/https?:/);
    }
  });
});
