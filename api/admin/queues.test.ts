import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Connection } from '@temporalio/client';
import { readConfig } from '../../config.ts';
import { AuditEntry } from '../../db/auditEntries.ts';
import { defaultSystemConfig } from '../../domain/systemConfig.ts';
import { createLogger } from '../../observability/logger.ts';
import { createWorkflowClient } from '../../temporal/client.ts';
import { connectTemporal } from '../../temporal/connection.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { exampleOf } from '../../tests/examples.ts';
import { ownNamespace } from '../../tests/namespace.ts';
import { until } from '../../tests/until.ts';
import { createCapacity } from '../capacity.ts';

/*
 * The CPU pool works in a namespace of its own here, and no GPU worker does, so analyses wait as long as a test likes.
 */

let connection: Connection;
let api: TestApi;
let user: TestUser;
let operator: TestUser;

beforeAll(async () => {
  const changes = await ownNamespace();
  connection = await connectTemporal(readConfig());
  const config = { ...defaultSystemConfig, analysisWaitSeconds: 1 };
  const capacity = createCapacity({
    workflows: createWorkflowClient({ connection, namespace: changes.TEMPORAL_NAMESPACE }),
    systemConfig: { current: () => Promise.resolve(config), remember: () => Promise.resolve() },
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  api = await startTestApi({ worker: true, changes, deps: { capacity } });
  user = await api.newUser();
  operator = await api.newUser('operator');
});
afterAll(async () => {
  await api.close();
  await connection.close();
});

interface QueueView {
  queue: string;
  backlog: number;
  backlogAgeSeconds: number;
  paused: { since: string; reason: string; by: string } | null;
  workers: { identity: string; lastPolledAt: string | null }[];
}

const press = (queue: string, what: 'pause' | 'resume', body: object = {}) =>
  api.call('POST', `/v1/admin/queues/${queue}/${what}`, { token: operator.token, body });
const viewsIn = ({ body }: Answer) => (body.data as { items: QueueView[] }).items;
const view = async (queue: string) =>
  viewsIn(await api.call('GET', '/v1/admin/queues', { token: operator.token })).find((item) => item.queue === queue);
const create = (body: unknown, key = randomUUID()) =>
  api.call('POST', '/v1/sessions', { token: user.token, body, headers: { 'Idempotency-Key': key } });
const recording = { sessionType: 'dowsing', cue: 'Is it here?' };

describe('the queues, as an operator reads them (T2)', () => {
  test('tell who polls them, each process once', async () => {
    // A worker is known to Temporal by the polls that it makes, from a moment after its start on.
    const cpu = await until(
      () => view('mindpeeker-cpu'),
      (queue) => queue?.workers.length === 1,
    );
    expect(cpu?.workers).toEqual([
      expect.objectContaining({ identity: expect.stringMatching(new RegExp(`^${process.pid}@`)) }),
    ]);
    expect(cpu?.workers[0]?.lastPolledAt).toMatch(/^\d{4}-/);
    expect((await view('mindpeeker-gpu'))?.workers).toEqual([]);
  });

  test('stand in the metrics, so that somebody is woken when nobody polls (I2)', async () => {
    const metrics = await until(
      async () => (await fetch(`${api.url}/metrics`)).text(),
      (page) => /^task_queue_workers\{.*queue="mindpeeker-cpu".*\} 1$/m.test(page),
    );
    expect(metrics).toMatch(/^task_queue_workers\{.*queue="mindpeeker-gpu".*\} 0$/m);
    for (const name of ['backlog', 'backlog_age_seconds', 'paused']) {
      expect(metrics).toMatch(new RegExp(`^task_queue_${name}\\{.*queue="mindpeeker-webhooks".*\\} 0$`, 'm'));
    }
  });

  test('are known by their names alone, and a pause needs its reason', async () => {
    expect((await press('mindpeeker', 'pause', { reason: 'a test' })).status).toBe(404);
    expect((await press('mindpeeker-gpu', 'pause')).status).toBe(400);
  });
});

describe('a full queue', () => {
  test('refuses an analysis that would wait too long, and says how long; recording goes on (A1)', async () => {
    const dowsing = await exampleOf('dowsing');
    const firstKey = randomUUID();
    // While it is paused it takes whatever comes, also where a try before this one has filled it.
    await press('mindpeeker-gpu', 'pause', { reason: 'a test' });
    await until(
      () => create(dowsing, firstKey),
      ({ status }) => status === 201,
    );
    await press('mindpeeker-gpu', 'resume');
    const { body } = await create(recording);
    const { id } = body.data as { id: string };

    const refused = await until(
      () => create(dowsing),
      ({ status }) => status !== 201,
    );
    expect(refused.status).toBe(429);
    expect(refused.body.error).toMatchObject({
      code: 'queue_full',
      retryable: true,
      details: [{ path: 'queue', message: expect.stringMatching(/about \d+ seconds.*at most 1 /) }],
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

    expect((await create(dowsing, firstKey)).status).toBe(201);
    expect((await create({ ...dowsing, autoAnalyze: false })).status).toBe(201);
    expect((await create(recording)).status).toBe(201);
    const patched = await api.call('PATCH', `/v1/sessions/${id}`, {
      token: user.token,
      body: { impressions: dowsing.impressions },
    });
    expect(patched.status).toBe(200);
    const asked = await api.call('POST', `/v1/sessions/${id}/analysis`, { token: user.token });
    expect(asked.body.error?.code).toBe('queue_full');
  });

  test('that is paused refuses nothing: its sessions wait', async () => {
    await press('mindpeeker-gpu', 'pause', { reason: 'a test' });
    const dowsing = await exampleOf('dowsing');
    await until(
      () => create(dowsing),
      ({ status }) => status === 201,
    );
    await press('mindpeeker-gpu', 'resume');
  });
});

describe('a queue that an operator pauses (T5)', () => {
  test('says since when, why and by whom, once however often it is pressed, and goes on when resumed', async () => {
    await press('mindpeeker-webhooks', 'resume');
    operator = await api.newUser('operator');
    const pressed = await press('mindpeeker-webhooks', 'pause', { reason: 'their network is down' });
    await press('mindpeeker-webhooks', 'pause', { reason: 'again' });
    expect(viewsIn(pressed).find(({ queue }) => queue === 'mindpeeker-webhooks')?.paused).toEqual({
      since: expect.stringMatching(/^\d{4}-/),
      reason: 'their network is down',
      by: operator.id,
    });
    expect((await view('mindpeeker-webhooks'))?.paused?.reason).toBe('their network is down');
    expect(viewsIn(await press('mindpeeker-webhooks', 'resume'))).toContainEqual(
      expect.objectContaining({ queue: 'mindpeeker-webhooks', paused: null }),
    );
    await press('mindpeeker-webhooks', 'resume');

    const entries = await api.resources.database
      .asService()
      .find(AuditEntry, { byUser: operator.id, details: { queue: 'mindpeeker-webhooks' } }, { orderBy: { at: 'asc' } });
    expect(entries.map(({ action, reason }) => [action, reason])).toEqual([
      ['pause', 'their network is down'],
      ['resume', 'resumed'],
    ]);
  });

  test('has new sessions refused while nobody could create them, and none of them is half there', async () => {
    await press('mindpeeker-cpu', 'pause', { reason: 'PostgreSQL is moved' });
    const key = randomUUID();
    const refused = await until(
      () => create(recording),
      ({ body }) => body.error?.code === 'paused',
    );
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect((await create(recording, key)).body.error?.code).toBe('paused');
    await press('mindpeeker-cpu', 'resume');
    const created = await until(
      () => create(recording, key),
      ({ status }) => status !== 503,
    );
    expect(created.status).toBe(201);
  });
});
