import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { createCalibrateActivities } from '../activities/training/calibrate.ts';
import type { createEpochActivities } from '../activities/training/epoch.ts';
import type { createEvaluateActivities } from '../activities/training/evaluate.ts';
import type { createPlanActivities } from '../activities/training/plan.ts';
import type { createPublishActivities } from '../activities/training/publish.ts';
import type { createTrainingRecordActivities } from '../activities/training/record.ts';
import type { createSimulateActivities } from '../activities/training/simulate.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { hourMs, minuteMs, secondMs } from '../domain/time.ts';

/**
 * A step takes as long as the training is large, so an attempt is judged by its heartbeats: by these a dead worker is
 * noticed, and with these a cancellation arrives. Every attempt goes on where the one before it left a checkpoint.
 */
const stepOptions: ActivityOptions = {
  taskQueue: taskQueues.gpu,
  startToCloseTimeout: 12 * hourMs,
  heartbeatTimeout: 10 * secondMs,
  // What a cancelled step was about to store must not come after everything was removed.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: minuteMs, maximumAttempts: 20 },
};

/** Writing down how a training begins and ends must succeed in the end, so it is tried for ever. */
const recordOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: minuteMs,
  retry: { initialInterval: 200, backoffCoefficient: 2, maximumInterval: 30 * secondMs },
};

type StepActivities = ReturnType<typeof createPlanActivities> &
  ReturnType<typeof createSimulateActivities> &
  ReturnType<typeof createEpochActivities> &
  ReturnType<typeof createCalibrateActivities> &
  ReturnType<typeof createEvaluateActivities> &
  ReturnType<typeof createPublishActivities>;

export const trainingSteps = proxyActivities<StepActivities>(stepOptions);

export const record = proxyActivities<ReturnType<typeof createTrainingRecordActivities>>(recordOptions);
