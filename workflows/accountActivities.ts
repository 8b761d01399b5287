import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { createEraseAccountActivities } from '../activities/account/erase.ts';
import type { createExportAccountActivities } from '../activities/account/export.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { hourMs, minuteMs, secondMs } from '../domain/time.ts';

/** What was promised to a person is done in the end, so these are tried for ever. */
const promisedOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 5 * minuteMs,
  retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 5 * minuteMs },
};

/** An archive takes as long as the account is large, so an attempt is judged by its heartbeats. */
const buildOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 6 * hourMs,
  heartbeatTimeout: 30 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 5 * minuteMs, maximumAttempts: 20 },
};

export const { closeAccount, sessionsToErase, eraseAccount } =
  proxyActivities<ReturnType<typeof createEraseAccountActivities>>(promisedOptions);

export const { endExport } = proxyActivities<ReturnType<typeof createExportAccountActivities>>(promisedOptions);
export const { buildExport } = proxyActivities<ReturnType<typeof createExportAccountActivities>>(buildOptions);
