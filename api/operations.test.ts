import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '../observability/logger.ts';
import { createWorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../tests/api.ts';
import { createLine } from '../tests/line.ts';
import { until } from '../tests/until.ts';

let api: TestApi;
let user: TestUser;
const lines: string[] = [];

beforeAll(async () => {
  const logger = createLogger({
    service: 'api',
    level: 'info',
    destination: { write: (line) => void lines.push(line) },
  });
  api = await startTestApi({ deps: { logger }, worker: true });
  user = await api.newUser();
});
afterAll(() => api.close());

interface Line {
  level: string;
  service: string;
  trace_id: string;
  user_id: string | null;
  session_id: string | null;
  message: string;
  metadata: Record<string, unknown>;
}

/** The log line of a request; it is written once the answer is out, which is a moment after the client has it. */
const lineOf = (requestId: string): Promise<Line> =>
  until(() => lines.map((text) => JSON.parse(text) as Line).find(({ metadata }) => metadata.requestId === requestId));

describe('a request leaves one line (I4)', () => {
  test('that says who, what, how it went and how long it took, in a trace', async () => {
    const { body } = await api.call('POST', '/v1/sessions', {
      token: user.token,
      headers: { 'X-Client-Version': '2.1.0' },
      body: { sessionType: 'dowsing', cue: 'Is it here?' },
    });
    const line = await lineOf(body.requestId);
    expect(line).toMatchObject({
      level: 'INFO',
      service: 'api',
      user_id: user.id,
      session_id: (body.data as { id: string }).id,
      metadata: { method: 'POST', route: '/v1/sessions', status: 201, clientVersion: '2.1.0' },
    });
    expect(line.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(typeof line.metadata.durationMs).toBe('number');
    expect(lines.filter((text) => text.includes(body.requestId))).toHaveLength(1);
  });

  test('and nothing of what a person wrote or of what opens doors (I5)', async () => {
    const marker = (name: string) => `${name}-${randomUUID()}`;
    const secrets = {
      password: marker('password'),
      cue: marker('cue'),
      word: marker('word'),
      metadata: marker('metadata'),
      query: marker('query'),
      bad: marker('bad'),
    };
    const email = `${randomUUID()}@example.com`;
    const credentials = { email, password: secrets.password };
    const registered = await api.call('POST', '/v1/auth/register', {
      body: { ...credentials, username: randomUUID() },
    });
    const { accessToken, refreshToken } = registered.body.data as { accessToken: string; refreshToken: string };
    await api.call('POST', '/v1/auth/login', { body: credentials });
    await api.call('POST', '/v1/auth/login', { body: { ...credentials, password: secrets.bad } });
    const complete = {
      sessionType: 'remote_viewing',
      cue: secrets.cue,
      impressions: { words: [secrets.word] },
      metadata: { note: secrets.metadata },
      autoAnalyze: false,
    };
    const created = await api.call('POST', '/v1/sessions', { token: accessToken, body: complete });
    const { id } = created.body.data as { id: string };
    await api.call('PATCH', `/v1/sessions/${id}`, { token: accessToken, body: { cue: `${secrets.cue}-2` } });
    await api.call('POST', '/v1/sessions', { token: accessToken, body: { ...complete, sessionType: secrets.bad } });
    await api.call('POST', '/v1/sessions', { token: accessToken, text: `{"cue": "${secrets.cue}` });
    await api.call('GET', `/v1/sessions?cursor=${secrets.query}`, { token: accessToken });
    const last = await api.call('GET', `/v1/nowhere/${secrets.query}`, { token: accessToken });
    await lineOf(last.body.requestId);
    const log = lines.join('');
    for (const secret of [...Object.values(secrets), accessToken, refreshToken, email])
      expect(log).not.toContain(secret);
  });
});

describe('metrics (I2)', () => {
  test('count requests by route pattern, never by id', async () => {
    const id = randomUUID();
    await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
    await api.call('GET', `/v1/${id}`);
    // A request is counted once its answer is out, which is a moment after the client has it.
    const text = await until(
      async () => (await fetch(`${api.url}/metrics`)).text(),
      (page) =>
        /http_requests_total\{[^}]*route="\/v1\/sessions\/\{id\}"[^}]*status="404"/.test(page) &&
        /http_requests_total\{[^}]*route="unknown"/.test(page),
    );
    expect(text).toMatch(/api_usage_by_endpoint\{[^}]*endpoint="\/v1\/sessions\/\{id\}"/);
    expect(text).toMatch(/user_tier_distribution\{[^}]*tier="basic"[^}]*\} [1-9]/);
    expect(text).toMatch(/http_request_duration_seconds_bucket/);
    expect(text).not.toContain(id);
  });
});

describe('readiness', () => {
  /** What it is in the end: each part has two seconds to answer, which is little where the machine is slow. */
  const untilReadiness = (gateway: TestApi, isRight: (answer: Answer) => boolean): Promise<Answer> =>
    until(() => gateway.call('GET', '/readyz'), isRight);
  const saysDown =
    (...parts: string[]) =>
    ({ status, body }: Answer) =>
      status === 503 &&
      isDeepStrictEqual(
        body.error?.details?.map(({ path }) => path),
        parts,
      );

  test('is said when every part answers', async () => {
    const { body } = await untilReadiness(api, ({ status }) => status === 200);
    expect(body.data).toEqual({
      ready: true,
      checks: { postgres: 'ok', redis: 'ok', objects: 'ok', temporal: 'ok' },
    });
    expect((await api.call('GET', '/healthz')).body.data).toEqual({ alive: true });
  });

  test('names PostgreSQL when it is gone; calls that need it answer 503; both are well again once it is back', async () => {
    const line = createLine(api.resources.config.DATABASE_URL);
    const { url, port } = await line.mend();
    const behind = await startTestApi({ changes: { DATABASE_URL: url } });
    try {
      expect((await behind.call('GET', '/v1/me', { token: user.token })).status).toBe(200);
      await line.cut();
      const { body } = await untilReadiness(behind, saysDown('postgres'));
      expect(body.error?.details).toEqual([{ path: 'postgres', message: 'postgres is not reachable' }]);
      const call = await behind.call('GET', '/v1/sessions', { token: user.token });
      expect(call.status).toBe(503);
      expect(call.body.error).toMatchObject({ code: 'temporarily_unavailable', retryable: true });
      expect(call.headers.get('retry-after')).not.toBeNull();
      expect((await behind.call('GET', '/healthz')).status).toBe(200);
      expect((await fetch(`${behind.url}/metrics`)).status).toBe(200);
      await line.mend(port);
      expect((await behind.call('GET', '/v1/me', { token: user.token })).status).toBe(200);
      await untilReadiness(behind, ({ status }) => status === 200);
    } finally {
      await behind.close();
      await line.cut();
    }
  });

  test('names Temporal when it is gone; what was asked meanwhile is done once it is back', async () => {
    const { config } = api.resources;
    const line = createLine(`tcp://${config.TEMPORAL_ADDRESS}`);
    const { url, port } = await line.mend();
    const connection = await connectTemporal({ ...config, TEMPORAL_ADDRESS: new URL(url).host });
    const workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE, waitMs: 1_000 });
    const behind = await startTestApi({ deps: { workflows } });
    const request = {
      token: user.token,
      headers: { 'Idempotency-Key': randomUUID() },
      body: { sessionType: 'dowsing', cue: 'Is it here?' },
    };
    try {
      const created = await until(
        () => behind.call('POST', '/v1/sessions', { ...request, headers: {} }),
        ({ status }) => status === 201,
      );
      const { id } = created.body.data as { id: string };
      await line.cut();
      await untilReadiness(behind, saysDown('temporal'));
      const refused = await behind.call('POST', '/v1/sessions', request);
      expect(refused.status).toBe(503);
      expect(refused.body.error).toMatchObject({ code: 'temporarily_unavailable', retryable: true });
      expect((await behind.call('POST', '/v1/sessions', { ...request, headers: {} })).status).toBe(503);
      expect((await behind.call('DELETE', `/v1/sessions/${id}`, { token: user.token })).status).toBe(503);
      expect((await behind.call('GET', `/v1/sessions/${id}`, { token: user.token })).status).toBe(200);
      await line.mend(port);
      const again = await until(
        () => behind.call('POST', '/v1/sessions', request),
        (answer) => answer.status !== 503,
      );
      expect(again.status).toBe(201);
    } finally {
      await behind.close();
      await connection.close();
      await line.cut();
    }
  });

  test('goes on without Redis, says so, and everything works (P5)', async () => {
    const without = await startTestApi({ changes: { REDIS_URL: 'redis://127.0.0.1:1' } });
    try {
      const { body } = await untilReadiness(without, ({ status }) => status === 200);
      expect((body.data as { checks: object }).checks).toMatchObject({ redis: 'redis is not reachable' });
      const complete = {
        sessionType: 'remote_viewing',
        cue: 'NNNN-1234',
        impressions: { words: ['a tower'] },
        autoAnalyze: false,
      };
      const created = await without.call('POST', '/v1/sessions', { token: user.token, body: complete });
      expect(created.status).toBe(201);
      const { id } = created.body.data as { id: string };
      const read = await without.call('GET', `/v1/sessions/${id}`, { token: user.token });
      expect(read.body.data).toEqual(created.body.data);
    } finally {
      await without.close();
    }
  });

  test('without object storage a session is refused by 503, and nothing is stored', async () => {
    const without = await startTestApi({ changes: { S3_ENDPOINT: 'http://127.0.0.1:1' } });
    try {
      await untilReadiness(without, saysDown('objects'));
      const answer = await without.call('POST', '/v1/sessions', {
        token: user.token,
        body: { sessionType: 'dowsing', cue: 'Is it here?' },
      });
      expect(answer.status).toBe(503);
    } finally {
      await without.close();
    }
  });

  test('a read of content that is not cached needs object storage, and a cached one does not', async () => {
    const complete = { sessionType: 'remote_viewing', cue: 'x', impressions: { words: ['a'] }, autoAnalyze: false };
    const { id } = (await api.call('POST', '/v1/sessions', { token: user.token, body: complete })).body.data as {
      id: string;
    };
    const without = await startTestApi({ changes: { S3_ENDPOINT: 'http://127.0.0.1:1' } });
    try {
      expect((await without.call('GET', `/v1/sessions/${id}`, { token: user.token })).status).toBe(200);
      await api.resources.cache.forget(id);
      expect((await without.call('GET', `/v1/sessions/${id}`, { token: user.token })).status).toBe(503);
    } finally {
      await without.close();
    }
  });
});

test('a server that closes lets a request under way come to its end', async () => {
  const closing = await startTestApi();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  // What the gateway reads of its own at its start is over, so that the connection in use is the request's.
  await closing.call('GET', '/v1/sessions', { token: user.token });
  while (closing.resources.database.activeConnections() > 0) await settled();
  const body = { email: user.email, password: user.password };
  const underWay = closing.call('POST', '/v1/auth/login', { body });
  while (closing.resources.database.activeConnections() === 0) await settled();
  const closed = closing.close();
  expect((await underWay).status).toBe(200);
  await closed;
});
