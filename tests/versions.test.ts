import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client, type Connection } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { readConfig } from '../config.ts';
import { AuditEntry } from '../db/auditEntries.ts';
import { readBillState } from '../db/bills.ts';
import { eventsAfter } from '../db/sessions.ts';
import type { SessionContent } from '../domain/content.ts';
import { actOnSession } from '../operations/act.ts';
import { isBroken } from '../operations/restart.ts';
import { ramp, rollBack, type VersionDeps } from '../operations/versions.ts';
import { createDataConverter } from '../temporal/codec.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { createDeployments, DeploymentRefusedError, type Deployments, type Version } from '../temporal/deployments.ts';
import { provisionTemporal } from '../temporal/provision.ts';
import { replayHistories, type ReplayOutcome } from '../temporal/replay.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { createCpuWorker } from '../workers/pools.ts';
import { bundleWorkflows, readWorkflowBundle } from '../workers/workflowBundle.ts';
import { sessionWorkflowId } from '../workflows/session.ts';
import { exampleOf } from './examples.ts';
import { expectNoGap } from './numbering.ts';
import { startPlatform, type Platform } from './platform.ts';
import { until } from './until.ts';

/*
 * Two versions of the workflow code side by side, on the real server: one as it is, and one whose sessions start a
 * timer, which no history of the other stands. The pools of both run here; the GPU pool and the pool without a build id
 * are those of the platform. Each test has a namespace of its own, since a version that was once deployed stays.
 */

const patienceMs = 600_000;
let namespace: string;
let connection: Connection;
let workerConnection: NativeConnection;
let platform: Platform;
let client: Client;
let deployments: Deployments;
let deps: VersionDeps;
let content: SessionContent;
let bundles: Record<'asItIs' | 'changed', { code: string }>;
/** What a test has begun, to be ended even where it fails. */
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const workflowsPath = fileURLToPath(new URL('histories/changedWorkflows.ts', import.meta.url));
  bundles = {
    asItIs: await readWorkflowBundle(),
    changed: await bundleWorkflows((options) => ({ ...options, workflowsPath })),
  };
  content = await exampleOf('dowsing');
}, patienceMs);
beforeEach(async () => {
  const config = readConfig();
  namespace = `versions-${randomBytes(4).toString('hex')}`;
  connection = await connectTemporal(config);
  ends.push(() => connection.close());
  await provisionTemporal(connection, { ...config, TEMPORAL_NAMESPACE: namespace });
  client = new Client({ connection, namespace });
  deployments = createDeployments(connection, namespace);
  platform = await startPlatform({ TEMPORAL_NAMESPACE: namespace });
  ends.push(() => platform.close());
  workerConnection = await connectWorker(config);
  ends.push(() => workerConnection.close());
  deps = { deployments, database: platform.resources.database, by: { command: namespace } };
}, patienceMs);
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.();
}, patienceMs);

/** Starts a pool that runs workflows, as `WORKER_BUILD_ID` and the image make it. */
async function startPool(buildId: string, workflowBundle: { code: string }) {
  const { resources } = platform;
  const config = { ...resources.config, WORKER_BUILD_ID: buildId };
  const worker = await createCpuWorker(
    { ...resources, config },
    workerConnection,
    { workflowBundle },
    platform.pausing,
  );
  const running = worker.run();
  let stopped = false;
  const pool = {
    async stop() {
      if (!stopped) worker.shutdown();
      stopped = true;
      await running;
    },
  };
  ends.push(() => pool.stop());
  await until(async () => ((await versionOf(buildId))?.workers ?? 0) > 0 && (await isRegistered(buildId)));
  return pool;
}

async function versionOf(buildId: string): Promise<Version | undefined> {
  return (await deployments.describe()).versions.find((version) => version.buildId === buildId);
}

/** Waits until a version is so: what a deployment tells of its versions comes from each of them, a moment later. */
async function untilVersion(
  buildId: string,
  wanted: Partial<Pick<Version, 'status' | 'share' | 'openWorkflows'>>,
): Promise<void> {
  await until(
    () => versionOf(buildId),
    (version) => isDeepStrictEqual({ ...version, ...wanted }, version),
  );
}

/** Whether both kinds of tasks of the pool are known to be this version's: the server deploys no version by halves. */
async function isRegistered(buildId: string): Promise<boolean> {
  const { versionTaskQueues } = await client.workflowService.describeWorkerDeploymentVersion({
    namespace,
    deploymentVersion: { deploymentName: 'mindpeeker', buildId },
  });
  return versionTaskQueues.length === 2;
}

/** The build id of the version that a session runs on. */
async function buildOf(sessionId: string): Promise<string | undefined> {
  const { raw } = await client.workflow.getHandle(sessionWorkflowId(sessionId)).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
}

const recording = async () => (await platform.startSession(content, { analyzeAtOnce: false })).sessionId;
const completed = (sessionId: string) => platform.untilEvent(sessionId, 'completed');

/** Nothing went wrong with a session on its way: neither a step, nor the running of its code. */
async function expectSmooth(sessionId: string): Promise<void> {
  const events = await eventsAfter(platform.resources.database.asService(), sessionId, 0);
  expect(events.map(({ type }) => type)).toEqual([
    'created',
    'analysis_started',
    'analysis_completed',
    'notified',
    'completed',
  ]);
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  expect(await readBillState(platform.resources.database.asService(), sessionId)).toBe('sent');
  const history = await client.workflow.getHandle(sessionWorkflowId(sessionId)).fetchHistory();
  expect((history.events ?? []).filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
}

/** Sessions that begin one after the other for as long as it takes. */
function startLoad() {
  const sessionIds: string[] = [];
  let wanted = true;
  const user = async () => {
    while (wanted) {
      const { sessionId } = await platform.startSession(content);
      sessionIds.push(sessionId);
      await completed(sessionId);
    }
  };
  const users = [user(), user(), user()];
  const end = async () => {
    wanted = false;
    await Promise.all(users);
  };
  ends.push(end);
  return {
    sessionIds,
    end,
    /** Waits until some have begun after now, and says on which version each of them runs. */
    async versionsOfNext(count: number): Promise<(string | undefined)[]> {
      const from = sessionIds.length + users.length;
      await until(() => sessionIds.length >= from + count);
      return Promise.all(sessionIds.slice(from, from + count).map(buildOf));
    },
  };
}

/** A deployment says at once which version is current; each partition of the task queue hears of it a moment later. */
const untilNextAre = (load: ReturnType<typeof startLoad>, buildId: string): Promise<boolean> =>
  until(async () => (await load.versionsOfNext(3)).every((next) => next === buildId));

test(
  'a changed workflow is deployed under load by ramps: no session fails or gets stuck, old ones end on their version, which may then go (T5)',
  async () => {
    const before = await recording();
    const oldPool = await startPool('1.0.0', bundles.asItIs);
    await untilVersion('1.0.0', { status: 'waiting', share: 0 });
    await ramp(deps, { buildId: '1.0.0', percent: 100 });
    const load = startLoad();
    await untilNextAre(load, '1.0.0');
    // What began before there were versions goes on with the one that is current.
    await platform.workflows.startAnalysis(before);
    await completed(before);
    expect(await buildOf(before)).toBe('1.0.0');
    const open = await Promise.all(Array.from({ length: 5 }, recording));

    await startPool('2.0.0', bundles.changed);
    await ramp(deps, { buildId: '2.0.0', percent: 10 });
    await untilVersion('2.0.0', { status: 'ramping', share: 10 });
    await untilVersion('1.0.0', { status: 'current', share: 90 });
    expect(await load.versionsOfNext(10)).toContain('1.0.0');
    await ramp(deps, { buildId: '2.0.0', percent: 50 });
    // Which begin where follows from their ids, so both come in the end.
    for (const buildId of ['1.0.0', '2.0.0']) {
      await until(async () => (await load.versionsOfNext(2)).includes(buildId));
    }
    await ramp(deps, { buildId: '2.0.0', percent: 100 });
    await untilNextAre(load, '2.0.0');
    await untilVersion('1.0.0', { status: 'draining', share: 0 });
    // The last of the load on it end soon, and are counted with a delay.
    await untilVersion('1.0.0', { openWorkflows: open.length });

    for (const sessionId of open) await platform.workflows.startAnalysis(sessionId);
    await Promise.all(open.map(completed));
    expect(await Promise.all(open.map(buildOf))).toEqual(open.map(() => '1.0.0'));
    await untilVersion('1.0.0', { status: 'drained', openWorkflows: 0 });
    await oldPool.stop();
    await load.versionsOfNext(3);
    await load.end();

    for (const sessionId of [before, ...load.sessionIds, ...open]) await expectSmooth(sessionId);
  },
  patienceMs,
);

test(
  'a ramp is ended and a version rolled back in one press, pressing again goes no further, and who did it is written down (T5)',
  async () => {
    const reason = `a test of ramps, ${randomBytes(4).toString('hex')}`;
    await startPool('3.0.0', bundles.asItIs);
    await startPool('4.0.0', bundles.asItIs);
    await ramp(deps, { buildId: '3.0.0', percent: 100 });
    expect(await ramp(deps, { buildId: '4.0.0', percent: 25, reason })).toEqual({
      current: '3.0.0',
      ramping: { buildId: '4.0.0', percent: 25 },
    });
    expect(await rollBack(deps, { reason })).toEqual({ current: '3.0.0', ramping: null });
    await untilVersion('4.0.0', { share: 0 });

    await ramp(deps, { buildId: '4.0.0', percent: 100, reason });
    await ramp(deps, { buildId: '4.0.0', percent: 100, reason });
    expect(await rollBack(deps, { reason })).toEqual({ current: '3.0.0', ramping: null });
    await expect(rollBack(deps, { reason })).rejects.toThrow(DeploymentRefusedError);
    await untilVersion('3.0.0', { status: 'current', share: 100 });
    await expect(ramp(deps, { buildId: '9.9.9', percent: 10, reason })).rejects.toThrow('No worker polls for 9.9.9');

    const entries = await platform.resources.database.asService().find(AuditEntry, { reason }, { orderBy: { at: 1 } });
    expect(entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'ramp done',
      'rollback done',
      'ramp done',
      'ramp done',
      'rollback done',
      'rollback refused',
      'ramp refused',
    ]);
  },
  patienceMs,
);

test('workers that Temporal forgets for a moment, as where it loads their task queue anew, are waited for (T5)', async () => {
  await startPool('4.1.0', bundles.asItIs);
  let looks = 0;
  const forgetful = {
    ...deployments,
    async describe() {
      const deployment = await deployments.describe();
      looks += 1;
      if (looks > 3) return deployment;
      return { ...deployment, versions: deployment.versions.map((version) => ({ ...version, workers: 0 })) };
    },
  };
  expect(await ramp({ ...deps, deployments: forgetful }, { buildId: '4.1.0', percent: 100 })).toMatchObject({
    current: '4.1.0',
  });
  expect(looks).toBeGreaterThan(3);
});

test(
  'a change that histories do not stand, deployed under the build id of the old code, is found by a replay; with the old code back every session ends well (T5, T1)',
  async () => {
    const good = await startPool('5.0.0', bundles.asItIs);
    await ramp(deps, { buildId: '5.0.0', percent: 100 });
    const old = await Promise.all(Array.from({ length: 3 }, recording));

    await good.stop();
    const bad = await startPool('5.0.0', bundles.changed);
    const young = await Promise.all(Array.from({ length: 3 }, recording));
    for (const sessionId of old) await platform.workflows.startAnalysis(sessionId);
    await Promise.all(old.map(untilItsCodeFails));

    // As the runbook has it: see which, put the old code back, retry what began on the bad one.
    const query = `ExecutionStatus = 'Running' and TemporalWorkerDeploymentVersion = 'mindpeeker:5.0.0'`;
    // Temporal's search is a moment behind.
    await until(async () => (await client.workflow.count(query)).count === old.length + young.length);
    const onBad = await replayed(bundles.changed, query);
    for (const sessionId of old) {
      expect(onBad.get(sessionWorkflowId(sessionId))).toMatchObject({
        kind: 'diverged',
        divergence: { expected: 'a timer is started' },
      });
    }
    await bad.stop();
    await startPool('5.0.0', bundles.asItIs);
    await Promise.all(old.map(completed));

    const onGood = await replayed(bundles.asItIs, query);
    const diverged = young.filter((sessionId) => onGood.get(sessionWorkflowId(sessionId))?.kind === 'diverged');
    expect(diverged).toEqual(young);
    const { resources, workflows } = platform;
    for (const sessionId of young) await workflows.startAnalysis(sessionId);
    await Promise.all(young.map(untilItsCodeFails));
    for (const sessionId of young) {
      const press = { sessionId, act: { action: 'retry' }, reason: 'a bad deploy', by: deps.by } as const;
      expect(await actOnSession({ database: resources.database, workflows }, press)).toMatchObject({
        means: 'restart',
      });
    }
    await Promise.all(young.map(completed));
    for (const sessionId of [...old, ...young]) {
      expect(await readBillState(resources.database.asService(), sessionId)).toBe('sent');
      expectNoGap(await eventsAfter(resources.database.asService(), sessionId, 0));
    }
  },
  patienceMs,
);

/** As the operator's actions see it: a failure in its history may be of another time, and is over. */
async function untilItsCodeFails(sessionId: string): Promise<void> {
  await until(async () => isBroken(await platform.workflows.describeSession(sessionId)));
}

async function replayed(workflowBundle: { code: string }, query: string): Promise<Map<string, ReplayOutcome>> {
  const dataConverter = createDataConverter(platform.resources.config.TEMPORAL_PAYLOAD_KEYS);
  const outcomes = new Map<string, ReplayOutcome>();
  const histories = client.workflow.list({ query }).intoHistories({ concurrency: 4, bufferLimit: 8 });
  for await (const outcome of replayHistories({ workflowBundle, dataConverter }, histories)) {
    outcomes.set(outcome.workflowId, outcome);
  }
  return outcomes;
}
