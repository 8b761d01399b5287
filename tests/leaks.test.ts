import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { Redis } from 'ioredis';
import { createApiClient } from '../cli/apiClient.ts';
import { readConfig } from '../config.ts';
import { objectPrefixes, redisKeys } from '../domain/dataClasses.ts';
import { openResources } from '../resources.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { exampleOf } from './examples.ts';
import { asText } from './histories.ts';
import { startProcess, type AppProcess } from './processes.ts';
import { until } from './until.ts';

/*
 * A person's sessions, of every type and full of a marker wherever they can hold a text, run through real processes at
 * their loudest. Then everything that leaves those processes is searched for the marker (I5).
 */

const marker = `MARKER${randomUUID().replaceAll('-', '')}`;
const config = readConfig();
const username = `p-${randomUUID()}`;
const email = `${username}@example.com`;
const processes: AppProcess[] = [];
const workflowIds: string[] = [];
const resources = openResources({ ...config, LOG_LEVEL: 'silent' }, 'test');
const redis = new Redis(config.REDIS_URL);
/** What other tests left on the stack before. */
const earlier = { keys: new Set<string>(), objects: new Set<string>() };
let userId: string;

async function keysInRedis(): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of redis.scanStream({ count: 500 })) keys.push(...(page as string[]));
  return keys;
}

async function keysOfObjects(): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of resources.bucket.pages('')) keys.push(...page.map(({ key }) => key));
  return keys;
}

/** Each type's example with the marker in every text that a person can write. */
async function markedSessions(): Promise<object[]> {
  const common = { cue: `${marker} cue`, metadata: { note: marker, [marker]: true } };
  const [dowsing, precognition, table] = await Promise.all([
    exampleOf('dowsing'),
    exampleOf('precognition'),
    exampleOf('intuitive_analysis'),
  ]);
  return [
    {
      ...common,
      sessionType: 'remote_viewing',
      impressions: { words: [marker, 'water'], transcript: `I see ${marker}` },
      metadata: {
        ...common.metadata,
        targets: [
          { id: marker, words: ['a lake', marker] },
          { id: 'other', words: ['a tower', marker] },
        ],
      },
    },
    { ...dowsing, ...common, impressions: { ...dowsing.impressions, question: `Is ${marker} here?` } },
    { ...precognition, ...common, impressions: renamed(precognition.impressions, 'name') },
    { ...table, ...common, impressions: renamed(table.impressions, 'dimensions') },
  ];
}

/** The impressions with the marker in every name, whatever refers to it included. */
function renamed(impressions: unknown, field: 'name' | 'dimensions'): unknown {
  const names = new Set<string>();
  JSON.stringify(impressions, (key, value: unknown) => {
    if (key === field && typeof value === 'string') names.add(value);
    if (key === field && Array.isArray(value)) value.forEach((name) => names.add(String(name)));
    return value;
  });
  const text = [...names].reduce(
    (json, name) => json.replaceAll(JSON.stringify(name), JSON.stringify(`${marker} ${name}`)),
    JSON.stringify(impressions),
  );
  return JSON.parse(text);
}

beforeAll(async () => {
  earlier.keys = new Set(await keysInRedis());
  earlier.objects = new Set(await keysOfObjects());
  for (const script of ['workers/cpu.ts', 'workers/gpu.ts', 'api/main.ts'] as const) {
    processes.push(await startProcess(script, { LOG_LEVEL: 'debug' }));
  }
  const apiUrl = processes.at(-1)?.url ?? '';
  const client = createApiClient(apiUrl);
  const { accessToken, user } = await client.register({ email, username, password: marker });
  userId = user.id;
  const call = (method: string, path: string, body?: unknown) =>
    fetch(`${apiUrl}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${accessToken}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });

  for (const session of await markedSessions()) {
    const { id } = await client.createSession(accessToken, session, randomUUID());
    workflowIds.push(`session-${id}`);
    const updates = await client.follow(accessToken, id, 120_000);
    expect(updates.at(-1)?.data.status).toBe('completed');
    expect(JSON.stringify(await client.results(accessToken, id)).length).toBeGreaterThan(100);
    await call('POST', `/sessions/${id}/outcome`, { outcome: { targetId: marker } });
  }
  const exported = (await (await call('POST', '/me/export')).json()) as { data: { id: string } };
  workflowIds.push(`export-account-${exported.data.id}`);

  // What goes wrong is told as well, and must quote no more than what goes right.
  await expect(client.createSession(accessToken, { sessionType: marker, cue: marker })).rejects.toThrow();
  await expect(client.session(marker, workflowIds[0] ?? '')).rejects.toThrow();
  await call('GET', `/sessions/${marker}?cursor=${marker}`);
  await call('POST', '/auth/login', { email, password: `${marker} wrong` });
}, 600_000);
afterAll(async () => {
  for (const running of processes) await running.stop();
  redis.disconnect();
  await resources.close();
});

test('no line of any log holds a word of what a person recorded, nor a password (I5)', () => {
  for (const running of processes) {
    expect(running.log()).toContain('"level":"INFO"');
    expect(running.log()).not.toContain(marker);
  }
});

test('nor does any metric (I5)', async () => {
  for (const { url } of processes) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('cpu_utilization_percent');
    expect(metrics).not.toContain(marker);
  }
});

test('nor does any history, memo or search attribute in Temporal (I5)', async () => {
  const connection = await connectTemporal(config);
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  for (const workflowId of workflowIds) {
    const handle = client.workflow.getHandle(workflowId);
    const seen = asText([await handle.fetchHistory(), (await handle.describe()).raw]);
    expect(seen).toContain(workflowId);
    expect(seen).toContain(`"userId":"${userId}"`);
    expect(seen).not.toContain(marker);
  }
  await connection.close();
});

describe('nor does Redis (I5)', () => {
  /** Reads a key of any kind, as an operator could. */
  async function read(key: string): Promise<unknown> {
    const kind = await redis.type(key);
    switch (kind) {
      case 'string':
        return redis.get(key);
      case 'hash':
        return redis.hgetall(key);
      case 'set':
        return redis.smembers(key);
      case 'zset':
        return redis.zrange(key, '0', '-1');
      case 'list':
        return redis.lrange(key, 0, -1);
      case 'stream':
        return redis.xrange(key, '-', '+');
      case 'none':
        return null;
      default:
        throw new Error(`Redis holds a ${kind}, which this test cannot read`);
    }
  }

  test('in any key or value that is not sealed', async () => {
    const keys = await keysInRedis();
    expect(keys.length).toBeGreaterThan(workflowIds.length);
    for (const key of keys) {
      expect(`${key} ${JSON.stringify(await read(key))}`).not.toContain(marker);
    }
  });
});

test('nor does any mail (I5)', async () => {
  const messages = await until(
    async () => (await fetch(`${config.SENDGRID_API_BASE ?? ''}/messages.json?to=${email}`)).text(),
    (texts) => texts.includes(username),
  );
  expect(messages).not.toContain(marker);
});

describe('the table of data classes names (I5)', () => {
  test('the form of every key in Redis', async () => {
    const forms = Object.keys(redisKeys).map(
      (form) => new RegExp(`^${form.replaceAll(/\{\w+\}/g, (part) => (part === '{address}' ? '.+' : '[^:]+'))}$`),
    );
    const keys = (await keysInRedis()).filter((key) => !earlier.keys.has(key));
    expect(keys).toContain(`user:${userId}`);
    expect(keys.filter((key) => !forms.some((form) => form.test(key)))).toEqual([]);
  });

  test('the beginning of the key of every stored object', async () => {
    const keys = (await keysOfObjects()).filter((key) => !earlier.objects.has(key));
    expect(keys.length).toBeGreaterThanOrEqual(workflowIds.length);
    expect(keys.filter((key) => !Object.keys(objectPrefixes).some((prefix) => key.startsWith(prefix)))).toEqual([]);
  });
});
