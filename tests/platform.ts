import { randomUUID } from 'node:crypto';
import { DefaultLogger, Runtime, type Worker } from '@temporalio/worker';
import type { ServedModels } from '../activities/routing.ts';
import { readConfig, type Config } from '../config.ts';
import type { SessionEventType } from '../domain/events.ts';
import type { SessionContent } from '../domain/content.ts';
import type { SessionWorkflowInput } from '../domain/session.ts';
import { eventsAfter } from '../db/sessions.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { createEngine } from '../ml/engine.ts';
import { createTrainingPool } from '../ml/training/pool.ts';
import { openResources, type Resources } from '../resources.ts';
import { createWorkflowClient, type WorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { followPausing, type Pausing } from '../workers/pausing.ts';
import { createCpuWorker, createGpuWorker, createWebhookWorker } from '../workers/pools.ts';
import { findArtefact, startServing } from '../workers/serving.ts';
import { readWorkflowBundle } from '../workers/workflowBundle.ts';
import { newUser } from './database.ts';
import { coverageBundlePath, coverageSinks, mergeWorkflowCoverage } from './workflowCoverage.ts';
import { until } from './until.ts';

/** The platform in one process, on the test stack: both worker pools and a client, with real parts all around. */
export interface Platform {
  resources: Resources;
  workflows: WorkflowClient;
  /** Which versions of the models are ready. */
  models: ServedModels;
  /** Whether the queue of the CPU pool is paused, as its worker knows it. */
  pausing: Pausing;
  /** Seals the content and starts a session of a new user, as the gateway does. */
  startSession(
    content: SessionContent,
    given?: Partial<SessionWorkflowInput>,
    email?: string,
  ): Promise<SessionWorkflowInput>;
  /** Waits until the session has had this event, and returns the types of all its events so far. */
  untilEvent(sessionId: string, type: SessionEventType): Promise<SessionEventType[]>;
  close(): Promise<void>;
}

/** How long a test waits for Temporal and the workers: many sessions at once on a loaded machine are no outage. */
export const patientWaitMs = 60_000;

/**
 * Starts both pools; `changes` replaces parts of the configuration, such as the address of Stripe, `recipes` those of
 * trainings, `workflowBundle` the code of the workflows.
 */
export async function startPlatform(
  changes: Partial<Config> = {},
  recipes?: URL,
  workflowBundle?: { code: string },
): Promise<Platform> {
  const config: Config = { ...readConfig(), LOG_LEVEL: 'silent', INFERENCE_THREADS: 1, ...changes };
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const resources = openResources(config, 'test');
  const connection = await connectTemporal(config);
  const workerConnection = await connectWorker(config);
  const engine = await createEngine({
    threads: config.INFERENCE_THREADS,
    find: (wanted) => findArtefact(resources, wanted),
  });
  const serving = await startServing({ ...resources, engine });
  const trainingPool = createTrainingPool({ threads: 2, backend: 'auto', ...(recipes ? { recipes } : {}) });
  const bundle = workflowBundle ?? (await readWorkflowBundle(coverageBundlePath));
  const workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE, waitMs: patientWaitMs });
  const pausing = await followPausing(workflows.queues, taskQueues.cpu, resources.logger);
  const workers: Worker[] = [
    await createCpuWorker(resources, workerConnection, { workflowBundle: bundle, sinks: coverageSinks }, pausing),
    await createWebhookWorker(resources, workerConnection),
    await createGpuWorker(resources, workerConnection, { engine, serving, trainingPool }),
  ];
  const running = workers.map((worker) => worker.run());

  return {
    resources,
    workflows,
    models: serving,
    pausing,

    startSession: (content, given, email) => startSession({ resources, workflows }, content, given, email),

    untilEvent(sessionId, type) {
      return until(
        async () => (await eventsAfter(resources.database.asService(), sessionId, 0)).map((event) => event.type),
        (types) => types.includes(type),
      );
    },

    async close() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      mergeWorkflowCoverage();
      await pausing.close();
      await serving.close();
      await Promise.all([engine.close(), trainingPool.close()]);
      await workerConnection.close();
      await connection.close();
      await resources.close();
    },
  };
}

/** Seals the content and starts a session of a new user, as the gateway does. */
export async function startSession(
  { resources, workflows }: Pick<Platform, 'resources' | 'workflows'>,
  content: SessionContent,
  given: Partial<SessionWorkflowInput> = {},
  email?: string,
): Promise<SessionWorkflowInput> {
  const sessionId = randomUUID();
  const fingerprint = sessionId.replaceAll('-', '').padEnd(64, '0');
  const { id: userId } = await newUser(resources.database, email);
  const input: SessionWorkflowInput = {
    sessionId,
    userId,
    sessionType: content.sessionType,
    tier: 'basic',
    fingerprint,
    contentKey: await resources.contents.put({ sessionId, userId }, fingerprint, content),
    hasImpressions: content.impressions !== undefined,
    analyzeAtOnce: content.impressions !== undefined,
    ...given,
  };
  await workflows.createSession(input);
  return input;
}
