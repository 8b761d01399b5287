import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { createDumpActivities } from '../activities/backup/database.ts';
import type { createCopyActivities } from '../activities/backup/objects.ts';
import type { createBackupRecordActivities } from '../activities/backup/record.ts';
import type { createRehearseActivities } from '../activities/backup/rehearse.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { hourMs, minuteMs, secondMs } from '../domain/time.ts';

/**
 * A backup takes as long as there is data, so an attempt is judged by its heartbeats. An outage of an hour is waited
 * out; after that the next one is due before long.
 */
const workOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 12 * hourMs,
  heartbeatTimeout: 20 * secondMs,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: 5 * secondMs, backoffCoefficient: 2, maximumInterval: 5 * minuteMs, maximumAttempts: 15 },
};

const recordOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: minuteMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 5 * minuteMs, maximumAttempts: 15 },
};

type RecordActivities = ReturnType<typeof createBackupRecordActivities>;
type RehearseActivities = ReturnType<typeof createRehearseActivities>;

export const { beginBackup, completeBackup, failBackup } = proxyActivities<RecordActivities>(recordOptions);
export const { pruneBackups } = proxyActivities<RecordActivities>(workOptions);
export const { copyObjects } = proxyActivities<ReturnType<typeof createCopyActivities>>(workOptions);
export const { dumpDatabase } = proxyActivities<ReturnType<typeof createDumpActivities>>(workOptions);

export const { beginRehearsal, endRehearsal } = proxyActivities<RehearseActivities>(recordOptions);
export const { rehearseRestore, clearRehearsal } = proxyActivities<RehearseActivities>(workOptions);
