import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '../observability/logger.ts';
import { startTestApi, type TestApi, type TestUser } from '../tests/api.ts';
import { until } from '../tests/until.ts';
import { startApi, type RunningApi } from './server.ts';

const page = 'https://app.example.com';
let api: TestApi;
let user: TestUser;
const lines: string[] = [];
beforeAll(async () => {
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'api', level: 'info', destination });
  api = await startTestApi({ deps: { corsOrigins: [page], logger } });
  user = await api.newUser();
});
afterAll(() => api.close());

describe('a web page', () => {
  const preflight = (origin: string) =>
    fetch(`${api.url}/v1/sessions`, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key,if-match,x-client-version',
      },
    });

  test('on the list may call, send our headers and read ours, without cookies (C1)', async () => {
    const allowed = await preflight(page);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(page);
    expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('idempotency-key');
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    const answer = await fetch(`${api.url}/healthz`, { headers: { Origin: page } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(page);
    expect(answer.headers.get('access-control-expose-headers')).toContain('ETag');
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  test.each(['https://evil.example.com', 'http://app.example.com', 'https://app.example.com.evil.com', 'null'])(
    'at %s may not',
    async (origin) => {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
      const answer = await fetch(`${api.url}/healthz`, { headers: { Origin: origin } });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    },
  );
});

test('every answer says what a browser must not do with it', async () => {
  const { headers } = await api.call('GET', '/v1/me', { token: user.token });
  expect(headers.get('strict-transport-security')).toMatch(/max-age=\d{8}; includeSubDomains/);
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('permissions-policy')).toContain('geolocation=()');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});

describe('compression', () => {
  async function encodingOf(path: string, init: RequestInit = {}): Promise<string | null> {
    const headers = new Headers(init.headers);
    headers.set('Accept-Encoding', 'gzip');
    return (await fetch(`${api.url}${path}`, { ...init, headers })).headers.get('content-encoding');
  }

  test('is for what is large and asked for by GET', async () => {
    expect(await encodingOf('/v1/openapi.json')).toBe('gzip');
    expect(await encodingOf('/healthz')).toBeNull();
  });

  test('is never for an answer that carries tokens, however large (BREACH)', async () => {
    const body = JSON.stringify({ email: user.email, password: user.password });
    const json = { 'Content-Type': 'application/json' };
    expect(await encodingOf('/v1/auth/login', { method: 'POST', body, headers: json })).toBeNull();
  });
});

describe('a body', () => {
  test('of more than 100 kB is taken where content is recorded, and nowhere else', async () => {
    const cue = 'x'.repeat(9_000);
    const large = { sessionType: 'remote_viewing', cue, impressions: { transcript: 'y'.repeat(99_999) }, colour: 1 };
    const session = await api.call('POST', '/v1/sessions', { token: user.token, body: large });
    expect(session.status).toBe(400);
    const login = await api.call('POST', '/v1/auth/login', { body: { email: 'z'.repeat(110_000) } });
    expect(login.status).toBe(413);
    expect(login.body.error?.code).toBe('payload_too_large');
  });

  test.each([
    ['/v1/auth/login', 200_000],
    ['/v1/sessions', 200_000_000],
  ])('that is small on the wire and bursts once unpacked is refused by %s', async (path, bytes) => {
    const bomb = gzipSync(Buffer.alloc(bytes, '{'));
    const answer = await api.call('POST', path, {
      token: user.token,
      text: new Uint8Array(bomb),
      headers: { 'Content-Encoding': 'gzip' },
    });
    expect(answer.status).toBe(413);
  });
});

/** Sends text and gives back all that is answered, once the server has closed the connection. */
function talk(begin: (socket: Socket) => void, { url }: Pick<RunningApi, 'url'> = api): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => {
      begin(socket);
    });
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (answer += text));
    socket.on('close', () => {
      resolve(answer);
    });
    // Whoever is still sending then is told of that by a broken connection, behind the answer.
    socket.on('error', () => undefined);
  });
}

describe('a client that is slow or hangs is cut off (G1)', () => {
  /** Here that is so soon that a slow machine makes it anybody. */
  let hasty: RunningApi;
  beforeAll(async () => {
    const patience = { headersMs: 200, requestMs: 400, silenceMs: 60_000, checkEveryMs: 50, closeMs: 1_000 };
    hasty = await startApi(api.deps, { host: '127.0.0.1', port: 0 }, patience);
  });
  afterAll(() => hasty.close());

  const head = (length: number) =>
    `POST /v1/auth/login HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

  test('in the middle of its headers', async () => {
    const answer = await talk((socket) => socket.write('GET /healthz HTTP/1.1\r\nHost: api\r\nX-Slow: '), hasty);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
  });

  test('in the middle of its body', async () => {
    const answer = await talk((socket) => socket.write(`${head(1_000)}{"email": "`), hasty);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('that sends a byte now and then and never comes to an end', async () => {
    const answer = await talk((socket) => {
      socket.write(head(100_000));
      const drip = setInterval(() => socket.write(' '), 20);
      socket.once('close', () => {
        clearInterval(drip);
      });
    }, hasty);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('while the others are served', async () => {
    const slow = talk((socket) => socket.write(`${head(1_000)}{`), hasty);
    const headers = { Authorization: `Bearer ${user.token}` };
    await until(() =>
      fetch(`${hasty.url}/v1/me`, { headers }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('and one with too many headers is told so', async () => {
    const answer = await talk((socket) =>
      socket.write(`GET /healthz HTTP/1.1\r\nHost: api\r\nX-Much: ${randomUUID().repeat(1_000)}\r\n\r\n`),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"headers_too_large"');
  });
});

describe('a request that is not as HTTP/1.1 has it', () => {
  const body = '{"email":"a"}';
  const get = (...fields: string[]) => ['GET /healthz HTTP/1.1', 'Connection: close', ...fields, '', body].join('\r\n');
  const length = `Content-Length: ${body.length}`;

  test.each([
    ['says its length in two ways', get('Host: api', length, 'Transfer-Encoding: chunked')],
    ['says two lengths', get('Host: api', length, 'Content-Length: 0')],
    ['says two lengths in one', get('Host: api', `${length}, ${body.length}`)],
    ['is chunked in a way of its own', get('Host: api', 'Transfer-Encoding: xchunked')],
    [
      'has a chunk longer than any',
      get('Host: api', 'Transfer-Encoding: chunked').replace(body, 'fffffffffffffffff\r\n'),
    ],
    ['hides one field in another', get('Host: api', 'X-A: b\r\n Content-Length: 5')],
    ['ends its lines in a way of its own', get('Host: api', length).replaceAll('\r\n', '\n')],
    ['says no host', get(length)],
    ['says two hosts', get('Host: api', 'Host: other', length)],
  ])('and %s is refused in the envelope and the log, and nothing behind it is read (G3, G5)', async (_what, text) => {
    const answer = await talk((socket) => socket.write(`${text}GET /healthz HTTP/1.1\r\nHost: api\r\n\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"validation_failed"');
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    const requestId = /"requestId":"(\w+)"/.exec(answer)?.[1];
    const line = await until(() => lines.find((text) => text.includes(`"requestId":"${String(requestId)}"`)));
    expect(line).toContain('"status":400,"code":"validation_failed"');
  });

  test.each([
    [
      'another protocol, as Java’s client does',
      ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
    ],
    ['something of us that we do not know', ['Expect: tea', 'Connection: close']],
  ])('but offers or expects %s is answered (G1)', async (_what, fields) => {
    const request = ['GET /healthz HTTP/1.1', 'Host: api', ...fields, '', ''].join('\r\n');
    const answer = await talk((socket) => {
      socket.write(request);
      socket.once('data', () => socket.end());
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
