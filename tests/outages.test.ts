import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { readConfig, type Config } from '../config.ts';
import { createRedis } from '../integrations/redis.ts';
import { createLogger } from '../observability/logger.ts';
import { startTestApi, type Answer, type TestApi } from './api.ts';
import { createLine, type Line } from './line.ts';
import { until } from './until.ts';

/* What a client of the gateway meets while a part behind it breaks, and after it is mended. */

const ends: (() => unknown)[] = [];
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.();
});

async function start(changes: Partial<Config>, worker = false): Promise<TestApi> {
  const api = await startTestApi({ changes, worker });
  ends.push(() => api.close());
  return api;
}

async function lineTo(url: string): Promise<{ line: Line; url: URL; port: number }> {
  const line = createLine(url);
  const mended = await line.mend();
  ends.push(() => line.cut());
  return { line, url: new URL(mended.url), port: mended.port };
}

const session = {
  sessionType: 'remote_viewing',
  cue: '4711-0815',
  impressions: { words: ['a tower'] },
  autoAnalyze: false,
};

test('PostgreSQL that restarts in the middle of many requests costs those alone, each told to come again (G3, T1)', async () => {
  const { line, url, port } = await lineTo(readConfig().DATABASE_URL);
  const api = await start({ DATABASE_URL: url.href, DATABASE_POOL_MAX: 4 });
  const { token } = await api.newUser();
  const list = () => api.call('GET', '/v1/sessions', { token });
  const outcomeOf = ({ status, headers }: Answer) => `${status} ${headers.get('retry-after') ?? ''}`.trim();
  const met = new Set<string>();
  for (let time = 0; time < 6; time += 1) {
    const asked = Array.from({ length: 40 }, async () => met.add(outcomeOf(await list())));
    await Promise.race(asked);
    await line.cut();
    await Promise.all(asked);
    await line.mend(port);
    expect((await list()).status).toBe(200);
  }
  expect([...met].sort()).toEqual(['200', '503 2']);
  await until(() => api.resources.database.activeConnections() === 0);
});

test('Temporal that hangs while a session is created: 503, and the same request later makes the one session (T1, G3)', async () => {
  const { line, url } = await lineTo(`http://${readConfig().TEMPORAL_ADDRESS}`);
  const api = await start({ TEMPORAL_ADDRESS: url.host }, true);
  const { token } = await api.newUser();
  const create = () =>
    api.call('POST', '/v1/sessions', { token, body: session, headers: { 'Idempotency-Key': 'the one' } });
  line.silence();
  const refused = await create();
  expect([refused.status, refused.body.error?.code]).toEqual([503, 'temporarily_unavailable']);
  line.speak();
  let made = await create();
  while (made.status === 503) made = await create();
  expect(made.status).toBe(201);
  const { items } = (await api.call('GET', '/v1/sessions', { token })).body.data as { items: { id: string }[] };
  expect(items.map(({ id }) => id)).toEqual([(made.body.data as { id: string }).id]);
});

test('Redis that is full takes no counts, no cache and no ends of log-ins, and all of it works (G5, G6, D2)', async () => {
  const path = await fullRedis();
  const [one, other] = [await start({ REDIS_URL: path }), await start({ REDIS_URL: path })];
  const user = await one.newUser();
  const me = (api: TestApi) => api.call('GET', '/v1/me', { token: user.token });
  const first = await me(other);
  expect(first.status).toBe(200);
  expect(first.headers.get('ratelimit-policy')).toContain('"user-process"');
  const told = new Promise<void>((resolve) => {
    other.resources.revocations.watch(() => {
      resolve();
    });
  });
  await one.call('POST', '/v1/auth/logout', { body: { refreshToken: user.refreshToken } });
  await told;
  expect([(await me(one)).status, (await me(other)).status]).toEqual([401, 401]);
});

/** A Redis of its own that has no room for anything. */
async function fullRedis(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'full-redis-'));
  const path = join(folder, 'socket');
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', path, '--save', '', '--maxmemory', '1', '--maxmemory-policy', 'noeviction'],
    { stdio: 'ignore', cwd: folder },
  );
  ends.push(async () => {
    server.kill();
    await once(server, 'exit');
    await rm(folder, { recursive: true });
  });
  const redis = createRedis(path, 'full', createLogger({ service: 'test', level: 'silent' }));
  await new Promise((resolve) => redis.once('ready', resolve));
  await expect(redis.set('a', randomUUID())).rejects.toThrow('OOM');
  redis.disconnect();
  return path;
}
