import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readConfig, type Config } from '../config.ts';
import { payloadsIn } from '../tests/histories.ts';
import { until } from '../tests/until.ts';
import { connectTemporal } from './connection.ts';
import { connectWorker } from './workerConnection.ts';

const newKey = (id: string) => ({ id, key: randomBytes(32) });
const [older, newer] = [newKey('older'), newKey('newer')];
const taskQueue = `keys-${randomUUID()}`;
const configWith = (...keys: Config['TEMPORAL_PAYLOAD_KEYS']): Config => ({
  ...readConfig(),
  TEMPORAL_PAYLOAD_KEYS: keys,
});

/** Runs a worker with these keys for as long as `work` takes. */
async function withWorker(config: Config, work: () => Promise<unknown>): Promise<void> {
  const connection = await connectWorker(config);
  const worker = await Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('../observability/temporalTracing.fixture.mjs', import.meta.url)),
    activities: { traced: (step: string) => step },
  });
  await worker.runUntil(work);
  await connection.close();
}

async function untilHeldUp(handle: WorkflowHandle): Promise<void> {
  await until(async () => ((await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0) > 1);
}

test('a worker that lacks a workflow’s key holds it up and loses nothing; one that has it goes on (T1, I5)', async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  const connection = await connectTemporal(configWith(older, newer));
  const { workflow } = new Client({ connection, namespace: readConfig().TEMPORAL_NAMESPACE });
  const handle = await workflow.start('tracedWorkflow', {
    taskQueue,
    workflowId: taskQueue,
    args: ['given'],
  });
  await withWorker(configWith(newer), () => untilHeldUp(handle));
  await withWorker(configWith(newer, older), () => handle.result());

  const keyIds = payloadsIn(await handle.fetchHistory()).map(({ metadata }) =>
    Buffer.from(metadata?.['encryption-key-id'] ?? []).toString(),
  );
  expect(keyIds[0]).toBe('older');
  expect(new Set(keyIds)).toEqual(new Set(['older', 'newer']));
  await connection.close();
});
