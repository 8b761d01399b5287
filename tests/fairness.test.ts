import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker, type InjectedSinks } from '@temporalio/worker';
import pMap from 'p-map';
import { readConfig } from '../config.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { firstOnesPerMinute, type Person, type Tier } from '../domain/tiers.ts';
import { createWorkflowClient, type WorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { bundleWorkflows } from '../workers/workflowBundle.ts';
import type { OrderSinks } from './fairnessWorkflow.ts';
import { ownNamespace } from './namespace.ts';
import { until } from './until.ts';

/*
 * Whoever asks for much must not keep others waiting. The sessions are started as the gateway starts them, on the real
 * server; what is made up is their work, so that only the order in which the server hands tasks out is seen. It is the
 * order that is asserted, never a time.
 */

const flood = 10_000;
/**
 * What may come before the single one: what the worker holds, and what other partitions of the queue give out until the
 * one with the single task is asked. The slower the machine the more that is, and of each flood here most is left.
 */
const inHand = { analyses: 1_000, workflows: 300 };
const patienceMs = 600_000;
const ends: (() => Promise<unknown>)[] = [];
let workflows: WorkflowClient;
let namespace: string;

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});
beforeEach(async () => {
  const config = readConfig();
  namespace = (await ownNamespace()).TEMPORAL_NAMESPACE;
  const connection = await connectTemporal(config);
  ends.push(() => connection.close());
  // Within one minute, however long the machine takes: in the next one a flood has its first sessions again.
  workflows = createWorkflowClient({ connection, namespace, waitMs: 60_000, now: () => 0 });
});
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.();
});

test(
  'one person’s ten thousand queued analyses let another’s single one of the same tier pass (T2)',
  async () => {
    // No more sessions than go by the tier's priority, so that nothing but fairness is between the two.
    const analyses = Math.ceil(flood / firstOnesPerMinute);
    await start({ userId: randomUUID(), tier: 'basic' }, { count: firstOnesPerMinute, analyses });
    await runWorkflows();
    await untilBacklog(flood);
    expect(await placeOfSingle('basic')).toBeLessThan(inHand.analyses);
  },
  patienceMs,
);

test(
  'one person’s flood of sessions, of the highest tier, lets another’s single one of the lowest pass (T2)',
  async () => {
    const greedy = { userId: randomUUID(), tier: 'enterprise' } as const;
    const early = randomUUID();
    const others = 500;
    await start(greedy, { count: firstOnesPerMinute, analyses: 1 });
    await start(greedy, { count: others, analyses: flood / others });
    await start({ userId: early, tier: 'basic' }, { count: 1, analyses: 1 });

    // Where workflows wait, the queue of the CPU pool, and then where analyses do, that of the GPU pool.
    const began = await runWorkflows();
    await until(() => began.includes(early));
    expect(began.indexOf(early)).toBeLessThan(firstOnesPerMinute + inHand.workflows);
    await untilBacklog(flood);
    expect(await placeOfSingle('basic')).toBeLessThan(firstOnesPerMinute + inHand.analyses);
  },
  patienceMs,
);

test.each([
  [
    'files',
    (attachmentId: string, owner: Person) =>
      workflows.startAttachment({ sessionId: randomUUID(), attachmentId }, owner),
  ],
  ['webhooks', (deliveryId: string, owner: Person) => workflows.startWebhookDelivery(deliveryId, owner)],
])(
  'one person’s flood of %s, of the highest tier, lets another’s single one of the lowest pass (T2)',
  async (_name, begin) => {
    const greedy = { userId: randomUUID(), tier: 'enterprise' } as const;
    const single = randomUUID();
    const ids = Array.from({ length: 1_000 }, () => randomUUID());
    await pMap(ids, (id) => begin(id, greedy), { concurrency: 20 });
    await begin(single, { userId: randomUUID(), tier: 'basic' });
    const began = await runWorkflows();
    await until(() => began.includes(single));
    expect(began.indexOf(single)).toBeLessThan(firstOnesPerMinute + inHand.workflows);
  },
  patienceMs,
);

/** How many analyses are handed out before that of a session that came after all others. */
async function placeOfSingle(tier: Tier): Promise<number> {
  const { backlog } = await workflows.queues.state(taskQueues.gpu);
  const late = randomUUID();
  await start({ userId: late, tier }, { count: 1, analyses: 1 });
  await untilBacklog(backlog + 1);
  const analyzed = await runAnalyses();
  await until(() => analyzed.includes(late));
  // The SQLite of the local server does not bear a worker that leaves while tasks are handed to it.
  await workflows.queues.pause(taskQueues.gpu, { reason: 'the test is over', by: 'a test' });
  return analyzed.indexOf(late);
}

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
  await until(
    async () => (await workflows.queues.state(taskQueues.gpu)).backlog,
    (backlog) => backlog >= tasks,
    patienceMs,
  );
}

/** Which workflows were run, in their order: a session by whose it is. */
async function runWorkflows(): Promise<string[]> {
  const order: string[] = [];
  const workflowsPath = fileURLToPath(new URL('fairnessWorkflow.ts', import.meta.url));
  await work({
    taskQueue: taskQueues.cpu,
    workflowBundle: await bundleWorkflows((options) => ({ ...options, workflowsPath })),
    sinks: {
      order: { began: { fn: (_info, id) => void order.push(id), callDuringReplay: false } },
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
