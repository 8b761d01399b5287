import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { listAudit } from '../db/auditEntries.ts';
import { readBulkProgress, type BulkProgress } from '../db/bulkActions.ts';
import { recordStep } from '../db/sessionSteps.ts';
import { eventsAfter } from '../db/sessions.ts';
import { actOnNextInBulk, previewBulk, startBulk, stopBulk, type BulkRequest } from '../operations/bulk.ts';
import { openResources, type Resources } from '../resources.ts';
import { readConfig } from '../config.ts';
import { createWorkflowClient, type WorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { newSession, newUser } from './database.ts';
import { makeHistoryLong } from './longHistory.ts';
import { patientWaitMs } from './platform.ts';
import { startProcess, type AppProcess } from './processes.ts';
import { listenAsStripe, willing } from './stripeListener.ts';
import { until } from './until.ts';

/*
 * Actions in bulk, on sessions whose workflows are gone and that wait for their bill, so that each does one step once
 * an operator takes it on (T5). The CPU pool runs as a process of its own, which can be killed.
 */

let resources: Resources;
let connection: Awaited<ReturnType<typeof connectTemporal>>;
let workflows: WorkflowClient;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let workers: AppProcess[] = [];

beforeAll(async () => {
  const config = readConfig();
  resources = openResources({ ...config, LOG_LEVEL: 'silent' }, 'test');
  connection = await connectTemporal(config);
  workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE, waitMs: patientWaitMs });
  stripe = await listenAsStripe(willing);
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  workers = [];
});
afterAll(async () => {
  await stripe.close();
  await connection.close();
  await resources.close();
});

const deps = () => ({ database: resources.database, workflows });
const client = () => new Client({ connection, namespace: resources.config.TEMPORAL_NAMESPACE });
const service = () => resources.database.asService();
const request = (filters: BulkRequest['filters'], given: Partial<BulkRequest> = {}): BulkRequest => ({
  act: { action: 'retry' },
  filters,
  reason: 'a test asks for it',
  by: { command: 'a test' },
  perSecond: 20,
  atMost: 1_000,
  ...given,
});

async function startWorker(): Promise<AppProcess> {
  const worker = await startProcess('workers/cpu.ts', { STRIPE_API_BASE: stripe.url });
  workers.push(worker);
  return worker;
}

/** Sessions of one person that wait for their bill and have no workflow. */
async function orphans(count: number): Promise<{ userId: string; ids: string[] }> {
  const { id: userId } = await newUser(resources.database);
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const sessionId = await newSession(resources.database, userId);
    await recordStep(service(), { sessionId, from: ['created'], status: 'billing', step: 'notify', type: 'notified' });
    ids.push(sessionId);
  }
  return { userId, ids };
}

const untilBulk = (id: string, holds: (progress: BulkProgress) => boolean): Promise<BulkProgress> =>
  until(() => progressOf(id), holds);

async function progressOf(id: string): Promise<BulkProgress> {
  const progress = await readBulkProgress(service(), id);
  if (progress === null) throw new Error(`There is no action in bulk ${id}`);
  return progress;
}

const typesOf = async (sessionId: string) => (await eventsAfter(service(), sessionId, 0)).map(({ type }) => type);

async function untilCompleted(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await until(
      () => typesOf(id),
      (types) => types.includes('completed'),
    );
  }
}

describe('an action in bulk (T5)', () => {
  test('tried dry says how many sessions and which, and does nothing', async () => {
    const { userId, ids } = await orphans(3);
    const { count, sessions } = await previewBulk(deps(), { userId }, 2);
    expect(count).toBe(3);
    expect(sessions.map(({ id }) => id)).toEqual(ids.slice(-2).reverse());
    expect(await previewBulk(deps(), { userId, tiers: ['enterprise'] }, 2)).toEqual({ count: 0, sessions: [] });
    expect((await listAudit(service(), { sessionId: ids[0], limit: 1 })).rows).toEqual([]);
  });

  test('that would be about more sessions than the operator expects does nothing', async () => {
    const { userId } = await orphans(3);
    await expect(startBulk(deps(), request({ userId }, { atMost: 2 }))).rejects.toMatchObject({
      code: 'more_than_expected',
    });
    const [row] = await service().execute<{ count: number }[]>(
      `select count(*)::int as count from bulk_actions where filters->>'userId' = ?`,
      [userId],
    );
    expect(row?.count).toBe(0);
  });

  test('goes on when its worker is killed: each session is taken on once, billed once, and stands once in the audit (T1, A4)', async () => {
    const { userId, ids } = await orphans(60);
    const first = await startWorker();
    // Slowly, so that it is far from its end when the worker dies.
    const { id, sessions } = await startBulk(deps(), request({ userId }, { perSecond: 5 }));
    expect(sessions).toBe(60);
    await untilBulk(id, ({ done }) => done > 0);
    await first.kill();
    expect((await readBulkProgress(service(), id))?.state).toBe('running');

    await startWorker();
    expect(await untilBulk(id, ({ state }) => state !== 'running')).toMatchObject({
      state: 'completed',
      done: 60,
      refused: 0,
      failed: 0,
    });
    await untilCompleted(ids);
    for (const sessionId of ids) {
      expect(await typesOf(sessionId)).toEqual(['created', 'notified', 'restarted', 'completed']);
      const { rows } = await listAudit(service(), { sessionId, limit: 10 });
      expect(rows).toMatchObject([{ action: 'retry', outcome: 'done', reason: 'a test asks for it', bulkId: id }]);
      const taken = stripe.calls.filter(({ body }) => body.get('identifier') === `session-${sessionId}`);
      expect(new Set(taken.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    }
  }, 600_000);

  test('goes on in a new run once its history is long: none is left out, and none is taken on twice (T1, A4)', async () => {
    const { userId, ids } = await orphans(12);
    const { id } = await startBulk(deps(), request({ userId }, { perSecond: 5 }));
    const long = await makeHistoryLong(client(), `bulk-${id}`);
    await startWorker();
    expect(await untilBulk(id, ({ state }) => state !== 'running')).toMatchObject({ state: 'completed', done: 12 });
    await client().workflow.getHandle(`bulk-${id}`).result();
    expect((await long.describe()).status.name).toBe('CONTINUED_AS_NEW');
    await untilCompleted(ids);
    for (const sessionId of ids) {
      expect(await typesOf(sessionId)).toEqual(['created', 'notified', 'restarted', 'completed']);
      const { rows } = await listAudit(service(), { sessionId, limit: 10 });
      expect(rows).toMatchObject([{ action: 'retry', outcome: 'done', bulkId: id }]);
    }
  });

  test('that is stopped leaves the other sessions alone, and its workflow ends', async () => {
    const { userId, ids } = await orphans(10);
    await startWorker();
    const { id } = await startBulk(deps(), request({ userId }, { perSecond: 1 }));
    await untilBulk(id, ({ done }) => done > 0);
    expect(await stopBulk(deps(), id)).toMatchObject({ state: 'stopped' });
    await client().workflow.getHandle(`bulk-${id}`).result();
    const { done, sessions } = await progressOf(id);
    expect(sessions).toBe(10);
    expect(done).toBeLessThan(10);
    const touched = await Promise.all(ids.map(async (sessionId) => (await typesOf(sessionId)).includes('restarted')));
    expect(touched.filter(Boolean).length).toBeLessThanOrEqual(done);
    expect(await stopBulk(deps(), id)).toMatchObject({ state: 'stopped', done });
  });

  test('leaves a session alone that is no longer what was asked for, and one that has ended', async () => {
    const { userId, ids } = await orphans(2);
    const [ended = ''] = ids;
    const { id } = await startBulk(deps(), request({ userId, statuses: ['billing'] }));
    await recordStep(service(), {
      sessionId: ended,
      from: ['billing'],
      status: 'expired',
      step: null,
      type: 'expired',
    });
    await startWorker();
    expect(await untilBulk(id, ({ state }) => state !== 'running')).toMatchObject({ done: 1, refused: 1 });
    const { rows } = await listAudit(service(), { sessionId: ended, limit: 10 });
    expect(rows).toMatchObject([{ outcome: 'refused', details: { code: 'no_longer_chosen' } }]);
  });

  test('does nothing twice when a part of it is tried again at the same time', async () => {
    const { userId, ids } = await orphans(5);
    const { id } = await startBulk(deps(), request({ userId }));
    const part = { bulkId: id, limit: 5, givesUp: false };
    await Promise.all([actOnNextInBulk(deps(), part), actOnNextInBulk(deps(), part), actOnNextInBulk(deps(), part)]);
    await startWorker();
    await untilCompleted(ids);
    for (const sessionId of ids) {
      expect(await typesOf(sessionId)).toEqual(['created', 'notified', 'restarted', 'completed']);
      expect((await listAudit(service(), { sessionId, limit: 10 })).rows).toHaveLength(1);
    }
    expect(await untilBulk(id, ({ state }) => state !== 'running')).toMatchObject({ done: 5 });
  });

  test('that nothing is left of, or that never was, ends at once', async () => {
    const { userId } = await orphans(0);
    await startWorker();
    const { id } = await startBulk(deps(), request({ userId }));
    expect(await untilBulk(id, ({ state }) => state !== 'running')).toMatchObject({ state: 'completed', sessions: 0 });
    expect(await actOnNextInBulk(deps(), { bulkId: userId, limit: 1, givesUp: true })).toBe(0);
    await expect(actOnNextInBulk(deps(), { bulkId: userId, limit: 1, givesUp: false })).rejects.toThrow();
  });
});
