import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { createActInBulkActivities } from '../activities/actInBulk.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { minuteMs, secondMs } from '../domain/time.ts';

/** The workflow id of an action in bulk. */
export function bulkActionWorkflowId(bulkId: string): string {
  return `bulk-${bulkId}`;
}

/** What was done is in the audit, so an attempt that is made again goes on behind it; it is tried until it is through. */
const { actInBulk } = proxyActivities<ReturnType<typeof createActInBulkActivities>>({
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 5 * minuteMs,
  heartbeatTimeout: 10 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 30 * secondMs },
});

/**
 * Does one thing to many sessions, at most so many a second. Which sessions, what and why stands in PostgreSQL, and so
 * does how far it came: the history holds an id and counts, and whoever stops it does so there.
 */
export async function bulkActionWorkflow(input: { bulkId: string; perSecond: number }): Promise<void> {
  for (;;) {
    const [{ left }] = await Promise.all([
      actInBulk({ bulkId: input.bulkId, limit: input.perSecond }),
      sleep(secondMs),
    ]);
    setCurrentDetails(`${left} sessions are left`);
    if (left === 0) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof bulkActionWorkflow>(input);
  }
}
