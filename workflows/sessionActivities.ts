import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { createAnalyzeActivities } from '../activities/analyze.ts';
import type { createBillActivities } from '../activities/bill.ts';
import type { createCloseActivities } from '../activities/close.ts';
import type { createCreateActivities } from '../activities/create.ts';
import type { createEraseActivities } from '../activities/erase.ts';
import type { createNotifyActivities } from '../activities/notify.ts';
import type { createParkActivities } from '../activities/park.ts';
import type { createRestartActivities } from '../activities/restart.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { minuteMs, secondMs } from '../domain/time.ts';

/*
 * How often and how long each step is tried. Final failures (domain/failures.ts) are thrown as non-retryable by the
 * activities; every other failure is taken for one that time may mend.
 */

/** Client is waiting, and PostgreSQL and object storage are close: short attempts, soon again. */
const createOptions: ActivityOptions = {
  summary: 'stores the session',
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 10 * secondMs,
  retry: { initialInterval: 200, backoffCoefficient: 2, maximumInterval: 10 * secondMs, maximumAttempts: 20 },
};

/** A worker that dies is noticed by its missing heartbeat, long before the attempt's own limit. */
const analyzeOptions: ActivityOptions = {
  summary: 'a model reads the impressions',
  taskQueue: taskQueues.gpu,
  startToCloseTimeout: 5 * minuteMs,
  heartbeatTimeout: 10 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 30 * secondMs, maximumAttempts: 8 },
};

/** Mail can wait out an outage of an hour. */
const notifyOptions: ActivityOptions = {
  summary: 'tells the owner',
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 15 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 5 * minuteMs, maximumAttempts: 20 },
};

/** Stripe forgets an identifier after a day, so attempts end well before: past that nobody could know what it took. */
const billOptions: ActivityOptions = {
  summary: 'tells Stripe of the usage',
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 20 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 10 * minuteMs, maximumAttempts: 20 },
};

/** Longer than an attempt at the bill may be under way. */
export const billUnderWayMs = 30 * secondMs;

/** Writing down how a session stands must succeed in the end, so these are tried for ever. */
const recordOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 20 * secondMs,
  retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 30 * secondMs },
};

const { create } = proxyActivities<ReturnType<typeof createCreateActivities>>(createOptions);
const { analyze } = proxyActivities<ReturnType<typeof createAnalyzeActivities>>(analyzeOptions);
const { notify } = proxyActivities<ReturnType<typeof createNotifyActivities>>(notifyOptions);
const { bill } = proxyActivities<ReturnType<typeof createBillActivities>>(billOptions);

export const steps = { create, analyze, notify, bill };

export const { park, resume } = proxyActivities<ReturnType<typeof createParkActivities>>(recordOptions);
export const { restart } = proxyActivities<ReturnType<typeof createRestartActivities>>(recordOptions);
export const { close } = proxyActivities<ReturnType<typeof createCloseActivities>>(recordOptions);
export const { erase } = proxyActivities<ReturnType<typeof createEraseActivities>>(recordOptions);
