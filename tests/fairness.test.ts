import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker, type InjectedSinks } from '@temporalio/worker';
import pMap from 'p-map';
import { readConfig } from '../config.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { firstSessionsPerMinute, type Tier } from '../domain/tiers.ts';
import { createWorkflowClient, type WorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { bundleWorkflows } from '../workers/workflowBundle.ts';
import type { OrderSinks } from './fairnessWorkflow.ts';
import { ownNamespace } from './namespace.ts';

/*
 * Whoever asks for much must not keep others waiting. The sessions are started as the gateway starts them, on the real
 * server; what is made up is their work, so that only the order in which the server hands tasks out is seen. It is the
 * order that is asserted, never a time.
 */

const flood = 10_000;
/** The flood as workflows: those that go by the tier's priority, and the others, which stand for many each. */
const starts = { first: firstSessionsPerMinute, others: 270 };
const analysesEach = Math.ceil((flood - starts.first) / starts.others);
/** What workers may have taken before they are given the single one: what they hold, and what was on its way. */
const inHand = 50;
const ends: (() => Promise<unknown>)[] = [];
let workflows: WorkflowClient;
let namespace: string;

beforeEach(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const config = readConfig();
  namespace = (await ownNamespace()).TEMPORAL_NAMESPACE;
  const connection = await connectTemporal(config);
  ends.push(() => connection.close());
  workflows = createWorkflowClient({ connection, namespace, waitMs: 30_000 });
});
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.();
});

test('one person’s ten thousand queued sessions, of the highest tier, let another’s single one of the lowest pass (T2)', async () => {
  const greedy = { userId: randomUUID(), tier: 'enterprise' } as const;
  const [early, late] = [randomUUID(), randomUUID()];
  await start(greedy, { count: starts.first, analyses: 1 });
  await start(greedy, { count: starts.others, analyses: analysesEach });
  await start({ userId: early, tier: 'basic' }, { count: 1, analyses: 1 });

  // Where workflows wait: the queue of the CPU pool.
  const began = await runWorkflows();
  await until(() => began.includes(early));
  expect(began.indexOf(early)).toBeLessThan(starts.first + inHand);

  // Where analyses wait: the queue of the GPU pool, with the whole flood in it before the single one comes.
  await untilBacklog(flood + 1);
  await start({ userId: late, tier: 'basic' }, { count: 1, analyses: 1 });
  await untilBacklog(flood + 2);
  const analyzed = await runAnalyses();
  await until(() => analyzed.includes(late));
  expect(analyzed.indexOf(late)).toBeLessThan(starts.first + inHand);
}, 180_000);

async function start(
  { userId, tier }: { userId: string; tier: Tier },
  { count, analyses }: { count: number; analyses: number },
): Promise<void> {
  const session = (i: number) => ({
    sessionId: randomUUID(),
    userId,
    sessionType: 'dowsing' as const,
    tier,
    fingerprint: String(i).padStart(64, '0'),
    contentKey: String(analyses),
    hasImpressions: true,
    analyzeAtOnce: true,
  });
  const inputs = Array.from({ length: count }, (_, i) => session(i));
  await pMap(inputs, (input) => workflows.restartSession(input, 'pending'), { concurrency: 20 });
}

async function untilBacklog(tasks: number): Promise<void> {
  await until(async () => (await workflows.queues.state(taskQueues.gpu)).backlog >= tasks);
}

/** Whose workflows were run, in their order. */
async function runWorkflows(): Promise<string[]> {
  const order: string[] = [];
  const workflowsPath = fileURLToPath(new URL('fairnessWorkflow.ts', import.meta.url));
  await work({
    taskQueue: taskQueues.cpu,
    workflowBundle: await bundleWorkflows((options) => ({ ...options, workflowsPath })),
    sinks: {
      order: { began: { fn: (_info, userId) => void order.push(userId), callDuringReplay: false } },
    } satisfies InjectedSinks<OrderSinks>,
  });
  return order;
}

/** Whose analyses were run, in their order. */
async function runAnalyses(): Promise<string[]> {
  const order: string[] = [];
  await work({
    taskQueue: taskQueues.gpu,
    activities: {
      analyze: ({ userId }: { userId: string }) => {
        order.push(userId);
        return Promise.resolve();
      },
    },
    maxConcurrentActivityTaskExecutions: 8,
  });
  return order;
}

async function work(options: Omit<Parameters<typeof Worker.create>[0], 'connection' | 'namespace'>): Promise<void> {
  const connection = await connectWorker(readConfig());
  const worker = await Worker.create({ connection, namespace, ...options });
  const running = worker.run();
  ends.push(async () => {
    worker.shutdown();
    await running;
    await connection.close();
  });
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100));
}
