import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { findSession, type SessionRow } from '../db/sessions.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { bundleWorkflows, readWorkflowBundle } from '../workers/workflowBundle.ts';
import { searchAttributes } from '../workflows/searchAttributes.ts';
import type { Platform } from './platform.ts';
import { until } from './until.ts';

const otherSession = fileURLToPath(new URL('otherSession.ts', import.meta.url));

/**
 * Gives sessions a run whose history the code of today cannot go on from: workers with another code began it, on a queue
 * of its own, and those of today have tried.
 */
export async function breakHistories(
  { resources, workflows }: Pick<Platform, 'resources' | 'workflows'>,
  sessionIds: readonly string[],
): Promise<void> {
  const { config } = resources;
  const namespace = config.TEMPORAL_NAMESPACE;
  const taskQueue = `odd-${randomUUID()}`;
  const [connection, workerConnection] = await Promise.all([connectTemporal(config), connectWorker(config)]);
  const client = new Client({ connection, namespace });
  const common = { connection: workerConnection, namespace, taskQueue };
  const before = await Worker.create({
    ...common,
    workflowBundle: await bundleWorkflows((options) => ({ ...options, workflowsPath: otherSession })),
  });
  const handles = await Promise.all(
    sessionIds.map(async (sessionId) =>
      client.workflow.start('sessionWorkflow', {
        workflowId: `session-${sessionId}`,
        workflowIdConflictPolicy: 'TERMINATE_EXISTING',
        taskQueue,
        args: [{ sessionId, analyzeAtOnce: true }],
        typedSearchAttributes: attributesOf(sessionId, await findSession(resources.database.asService(), sessionId)),
      }),
    ),
  );
  await before.runUntil(() => untilAll(handles, async (handle) => (await handle.describe()).historyLength > 4));
  const today = await Worker.create({ ...common, workflowBundle: await readWorkflowBundle() });
  await Promise.all(handles.map((handle) => handle.signal('retry')));
  await today.runUntil(() =>
    untilAll(
      sessionIds,
      async (sessionId) => (await workflows.describeSession(sessionId))?.workflowTask?.failure === 'nondeterministic',
    ),
  );
  await Promise.all([connection.close(), workerConnection.close()]);
}

/** Those by which a search for stuck sessions finds it. */
function attributesOf(sessionId: string, row: SessionRow | null): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: searchAttributes.sessionId, value: sessionId },
    { key: searchAttributes.userId, value: row?.userId ?? '' },
    { key: searchAttributes.sessionType, value: row?.sessionType ?? '' },
    { key: searchAttributes.tier, value: 'basic' },
    { key: searchAttributes.sessionStatus, value: 'analyzing' },
  ]);
}

async function untilAll<T>(all: readonly T[], holds: (one: T) => Promise<boolean>): Promise<void> {
  for (const one of all) await until(() => holds(one));
}
