import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { errorTable, type ErrorCode } from '../domain/errors.ts';
import { createAccessTokens } from './auth/accessTokens.ts';
import { readConfig } from '../config.ts';
import { startTestApi, type TestApi, type TestUser } from '../tests/api.ts';

let api: TestApi;
let user: TestUser;
beforeAll(async () => {
  api = await startTestApi();
  user = await api.newUser();
});
afterAll(() => api.close());

// Every call of this helper checks the envelope whole; what stands here is what each answer says.
describe('every answer has the envelope (G3)', () => {
  const cases: [string, string, string, ErrorCode][] = [
    ['an unknown path', 'GET', '/v1/nowhere', 'not_found'],
    ['the root', 'GET', '/', 'not_found'],
    ['a path in capitals', 'GET', '/V1/ME', 'not_found'],
    ['a path that cannot be decoded', 'GET', '/v1/sessions/%E0%A4%A', 'validation_failed'],
    ['a method that a path does not know', 'PUT', '/v1/sessions', 'method_not_allowed'],
    ['a delete of a list', 'DELETE', '/v1/sessions', 'method_not_allowed'],
    ['malformed JSON before a log-in', 'POST', '/v1/auth/login', 'malformed_json'],
  ];
  test.each(cases)('%s', async (_name, method, path, code) => {
    const answer = await api.call(method, path, method === 'POST' ? { text: '{' } : { token: user.token });
    expect(answer.status).toBe(errorTable[code].status);
    expect(answer.body.error).toMatchObject({ code, retryable: errorTable[code].retryable });
    expect(answer.body.message).toBe(errorTable[code].message);
  });

  test('a method that is not known comes with those that are', async () => {
    const { headers } = await api.call('PUT', '/v1/sessions/42', { token: user.token });
    expect(headers.get('allow')).toBe('GET, HEAD, PATCH, DELETE');
  });

  test('what is no HTTP request', async () => {
    const { port } = new URL(api.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('end', () => {
        resolve(text);
      });
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      success: false,
      data: null,
      error: { code: 'validation_failed' },
    });
  });

  test('a requestId of our own making, never the client’s', async () => {
    const answer = await api.call('GET', '/v1/me', { token: user.token, headers: { 'X-Request-Id': 'req_mine' } });
    expect(answer.text).not.toContain('req_mine');
    const again = await api.call('GET', '/v1/me', { token: user.token });
    expect(again.body.requestId).not.toBe(answer.body.requestId);
  });
});

describe('what a client may not learn', () => {
  test('a crash of ours is a 500 with a requestId and not a word of what went wrong', async () => {
    const crash = new Error('the secret reason');
    const tokens = await createAccessTokens(readConfig().JWT_SIGNING_KEYS);
    const broken = await startTestApi({ deps: { tokens: { ...tokens, verify: () => Promise.reject(crash) } } });
    try {
      const answer = await broken.call('GET', '/v1/me', { token: user.token });
      expect(answer.status).toBe(500);
      expect(answer.body.error).toMatchObject({ code: 'internal', retryable: true });
      expect(answer.text).not.toMatch(/secret reason|at .*\.ts/);
    } finally {
      await broken.close();
    }
  });

  test('what the server is made of', async () => {
    const { headers } = await api.call('GET', '/v1/me', { token: user.token });
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).not.toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('the client’s version (G2)', () => {
  test.each(['2.1.0', '1.2.0-beta.1', '10.20.30+build.5'])('%s is taken', async (version) => {
    const { status } = await api.call('GET', '/v1/me', { token: user.token, headers: { 'X-Client-Version': version } });
    expect(status).toBe(200);
  });

  test.each(['1.0.0', '1.0.9', '1.1.0-beta.1'])('%s is served, and told until when (C3)', async (version) => {
    const { status, headers } = await api.call('GET', '/v1/me', {
      token: user.token,
      headers: { 'X-Client-Version': version },
    });
    expect(status).toBe(200);
    expect(headers.get('deprecation')).toMatch(/^@\d+$/);
    expect(Date.parse(headers.get('sunset') ?? '')).not.toBeNaN();
  });

  test.each(['0.9.9', '1.0.0-rc.1'])('%s is no longer served (C3)', async (version) => {
    const answer = await api.call('GET', '/v1/me', { token: user.token, headers: { 'X-Client-Version': version } });
    expect(answer.status).toBe(426);
    expect(answer.body.error?.code).toBe('client_outdated');
  });

  test.each(['1.1.0', '2.1.0'])('%s is told nothing', async (version) => {
    const { headers } = await api.call('GET', '/v1/me', {
      token: user.token,
      headers: { 'X-Client-Version': version },
    });
    expect(headers.has('deprecation')).toBe(false);
  });

  test.each(['2', 'v2.1.0', 'latest', '2.01.0', '2.1.0-', '2.1.0+a+b', '2.1.10000000000', `1.0.0-${'x'.repeat(100)}`])(
    '%s is refused',
    async (version) => {
      const answer = await api.call('GET', '/v1/me', { token: user.token, headers: { 'X-Client-Version': version } });
      expect(answer.status).toBe(400);
      expect(answer.body.error?.details?.[0]?.path).toBe('x-client-version');
    },
  );
});
