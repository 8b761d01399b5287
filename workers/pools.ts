import {
  Worker,
  type NativeConnection,
  type WorkerInterceptors,
  type WorkerOptions,
  type WorkerTuner,
} from '@temporalio/worker';
import { createEraseAccountActivities } from '../activities/account/erase.ts';
import { createExportAccountActivities } from '../activities/account/export.ts';
import { createAccountMailActivities } from '../activities/account/mail.ts';
import { createActInBulkActivities } from '../activities/actInBulk.ts';
import { createAnalyzeActivities } from '../activities/analyze.ts';
import { createCheckActivities } from '../activities/attachments/check.ts';
import { createAttachmentEndActivities } from '../activities/attachments/end.ts';
import { createDumpActivities } from '../activities/backup/database.ts';
import { createCopyActivities } from '../activities/backup/objects.ts';
import { createBackupRecordActivities } from '../activities/backup/record.ts';
import { createRehearseActivities } from '../activities/backup/rehearse.ts';
import { createBillActivities } from '../activities/bill.ts';
import { createCloseActivities } from '../activities/close.ts';
import { createCreateActivities } from '../activities/create.ts';
import { createEraseActivities } from '../activities/erase.ts';
import { createFindStuckActivities } from '../activities/findStuck.ts';
import { heartbeatEveryMs } from '../activities/heartbeating.ts';
import { createNotifyActivities } from '../activities/notify.ts';
import { createParkActivities } from '../activities/park.ts';
import { createRestartActivities } from '../activities/restart.ts';
import { createCalibrateActivities } from '../activities/training/calibrate.ts';
import { createEpochActivities } from '../activities/training/epoch.ts';
import { createEvaluateActivities } from '../activities/training/evaluate.ts';
import { createPlanActivities } from '../activities/training/plan.ts';
import { createPublishActivities } from '../activities/training/publish.ts';
import { createTrainingRecordActivities } from '../activities/training/record.ts';
import { createSimulateActivities } from '../activities/training/simulate.ts';
import { createModelWatch } from '../activities/watching.ts';
import { createWebhookActivities } from '../activities/webhooks/deliver.ts';
import { taskQueues, webhookQueue } from '../domain/taskQueues.ts';
import type { Person } from '../domain/tiers.ts';
import { minuteMs, secondMs } from '../domain/time.ts';
import { createBilling } from '../integrations/billing.ts';
import { createMailer } from '../integrations/mailer.ts';
import { createWebhookSender } from '../integrations/webhookSender.ts';
import { largestBatchSize, type Engine } from '../ml/engine.ts';
import type { TrainingPool } from '../ml/training/pool.ts';
import { workerInterceptors } from '../observability/temporalTracing.ts';
import type { Resources } from '../resources.ts';
import { createWorkflowClient } from '../temporal/client.ts';
import { versionOf } from '../temporal/deployments.ts';
import type { Pausing } from './pausing.ts';
import type { Serving } from './serving.ts';
import { StepInterceptor } from './stepInterceptor.ts';

/**
 * How many workflows a CPU worker keeps in memory, at about 100 kB each. A session that waits for its person is
 * dropped first, and costs one replay when it goes on.
 */
const maxCachedWorkflows = 2_000;

/**
 * How full a machine may be before its workers take no more than the fewest steps at once. What is left is for the
 * system, and for what a step may yet come to need.
 */
const resourceTargets = { targetMemoryUsage: 0.8, targetCpuUsage: 0.9 };

/** Steps that wait on others cost little each: the fewest keep two cores busy, the most are what PostgreSQL is spared. */
const concurrentSteps = { fewest: 40, most: 200 };

/** Workflow tasks take microseconds of processor time each and no memory to speak of, so there is nothing to tune. */
const concurrentWorkflowTasks = 40;

/** Calls to people's own systems do nothing but wait, so many may wait at once. */
const concurrentWebhooks = 100;

/** An attempt that its pool still lets end when it is told to stop: longer than the longest ordinary one. */
const shutdownGraceMs = { cpu: 25 * secondMs, gpu: minuteMs };

/** The pool that runs the workflows and every step that waits on others. */
export async function createCpuWorker(
  resources: Resources,
  connection: NativeConnection,
  workflows: Required<Pick<WorkerOptions, 'workflowBundle'>> & Pick<WorkerOptions, 'sinks'>,
  pausing?: Pausing,
): Promise<Worker> {
  const { config } = resources;
  const { interceptors, sinks } = instrumentation(resources, pausing);
  const billing = createBilling({ secretKey: config.STRIPE_SECRET_KEY, apiBase: config.STRIPE_API_BASE });
  const mailer = createMailer({
    apiKey: config.SENDGRID_API_KEY,
    apiBase: config.SENDGRID_API_BASE,
    from: config.MAIL_FROM,
  });
  const client = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const session = {
    ...resources,
    startWebhookDelivery: (deliveryId: string, owner: Person) => client.startWebhookDelivery(deliveryId, owner),
  };
  return Worker.create({
    workflowBundle: workflows.workflowBundle,
    sinks: { ...sinks, ...workflows.sinks },
    interceptors,
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: taskQueues.cpu,
    // The other pools run no workflows: whichever of them is there takes the steps of every version.
    ...versionOf(config.WORKER_BUILD_ID),
    activities: {
      ...createCreateActivities(resources),
      ...createNotifyActivities({ ...session, mailer, publicUrl: config.PUBLIC_URL }),
      ...createBillActivities({ ...session, billing }),
      ...createParkActivities(resources),
      ...createRestartActivities(resources),
      ...createActInBulkActivities({ ...resources, workflows: client }),
      ...createCloseActivities({ ...session, billing }),
      ...createEraseActivities({ ...resources, billing, workflows: client }),
      ...createFindStuckActivities({ ...resources, workflows: client }),
      ...createAccountMailActivities({ ...resources, mailer, publicUrl: config.PUBLIC_URL }),
      ...createEraseAccountActivities({ ...resources, billing }),
      ...createExportAccountActivities(resources),
      ...createCheckActivities(resources),
      ...createAttachmentEndActivities(resources),
      ...createTrainingRecordActivities(resources),
      ...createBackupRecordActivities(resources),
      ...createCopyActivities(resources),
      ...createDumpActivities(resources),
      ...createRehearseActivities(resources),
    },
    maxCachedWorkflows,
    tuner: tunerFor(concurrentSteps),
    maxHeartbeatThrottleInterval: heartbeatEveryMs,
    shutdownGraceTime: shutdownGraceMs.cpu,
  });
}

/** What the CPU workers run beside: calls to people's own systems. */
export async function createWebhookWorker(resources: Resources, connection: NativeConnection): Promise<Worker> {
  const { config } = resources;
  const webhookSender = createWebhookSender({ allowPrivate: config.WEBHOOK_ALLOW_PRIVATE });
  return Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: webhookQueue,
    activities: createWebhookActivities({ ...resources, webhookSender }),
    interceptors: instrumentation(resources).interceptors,
    maxConcurrentActivityTaskExecutions: concurrentWebhooks,
    shutdownGraceTime: shutdownGraceMs.cpu,
  });
}

/** The pool that runs and trains the models, and nothing else; `engine` and `trainingPool` decide how many at once. */
export async function createGpuWorker(
  resources: Resources,
  connection: NativeConnection,
  { engine, serving, trainingPool }: { engine: Engine; serving: Serving; trainingPool: TrainingPool },
): Promise<Worker> {
  const { config } = resources;
  const watch = createModelWatch({ ...resources, engine });
  const training = { ...resources, trainingPool };
  return Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: taskQueues.gpu,
    activities: {
      ...createAnalyzeActivities({ ...resources, engine, models: serving, watch }),
      ...createPlanActivities(training),
      ...createSimulateActivities(training),
      ...createEpochActivities(training),
      ...createCalibrateActivities(training),
      ...createEvaluateActivities(training),
      ...createPublishActivities(training),
    },
    interceptors: instrumentation(resources).interceptors,
    // A batch for each thread, and one that is being read meanwhile. More would wait in the worker, and nobody else could
    // have it; with fewer than a batch the threads would run half empty.
    tuner: tunerFor({ fewest: largestBatchSize, most: largestBatchSize * (config.INFERENCE_THREADS + 1) }),
    maxTaskQueueActivitiesPerSecond: config.GPU_TASKS_PER_SECOND,
    maxHeartbeatThrottleInterval: heartbeatEveryMs,
    shutdownGraceTime: shutdownGraceMs.gpu,
  });
}

/** So many steps at once as the machine bears. */
function tunerFor({ fewest, most }: { fewest: number; most: number }): WorkerTuner {
  const none = { type: 'fixed-size', numSlots: 1 } as const;
  return {
    workflowTaskSlotSupplier: { type: 'fixed-size', numSlots: concurrentWorkflowTasks },
    activityTaskSlotSupplier: {
      type: 'resource-based',
      minimumSlots: fewest,
      maximumSlots: most,
      tunerOptions: resourceTargets,
    },
    localActivityTaskSlotSupplier: none,
    nexusTaskSlotSupplier: none,
  };
}

/** Traces and logs around every attempt; the trace comes first, so that the log's lines carry its ids. */
function instrumentation(resources: Resources, pausing?: Pausing) {
  const { interceptors, sinks } = workerInterceptors(resources.tracing);
  const activity: WorkerInterceptors['activity'] = [
    ...(interceptors.activity ?? []),
    (context) => ({ inbound: new StepInterceptor(context, resources, pausing?.isPaused) }),
  ];
  return { interceptors: { activity }, sinks };
}
