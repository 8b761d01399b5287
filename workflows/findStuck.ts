import { proxyActivities } from '@temporalio/workflow';
import type { createFindStuckActivities } from '../activities/findStuck.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { minuteMs, secondMs } from '../domain/time.ts';

/** The next search comes in a minute anyway, so one that fails is tried only a few times. */
const { findStuck } = proxyActivities<ReturnType<typeof createFindStuckActivities>>({
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 10 * minuteMs,
  heartbeatTimeout: 30 * secondMs,
  retry: { initialInterval: secondMs, maximumAttempts: 3 },
});

/** Searches once for stuck sessions; a schedule starts it each minute, never two at once. */
export async function findStuckWorkflow(): Promise<void> {
  await findStuck();
}
