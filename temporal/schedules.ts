import {
  Client,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type ConnectionLike,
  type ScheduleOptions,
} from '@temporalio/client';
import { taskQueues } from '../domain/taskQueues.ts';
import { minuteMs } from '../domain/time.ts';

/** What Temporal starts by itself, and how often. */
interface WorkflowSchedule {
  scheduleId: string;
  workflowType: string;
  everyMs: number;
  /** What operators read of it in the Web UI. */
  summary: string;
}

/** Everything that runs by a schedule. */
const schedules: readonly WorkflowSchedule[] = [
  {
    scheduleId: 'find-stuck',
    workflowType: 'findStuckWorkflow',
    everyMs: minuteMs,
    summary: 'search for stuck sessions',
  },
];

/** Makes the schedules, or changes them to what they are now. Safe to run again; one that an operator paused stays so. */
export async function provisionSchedules(connection: ConnectionLike, namespace: string): Promise<void> {
  const { schedule: client } = new Client({ connection, namespace });
  for (const { scheduleId, workflowType, everyMs, summary } of schedules) {
    const wanted: Omit<ScheduleOptions, 'scheduleId'> = {
      spec: { intervals: [{ every: everyMs }] },
      action: {
        type: 'startWorkflow',
        workflowId: scheduleId,
        workflowType,
        taskQueue: taskQueues.cpu,
        args: [],
        staticSummary: summary,
      },
      // One that takes longer is not met by the next; what was missed while Temporal was gone is not made up for.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: minuteMs },
    };
    try {
      await client.create({ scheduleId, ...wanted });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await client.getHandle(scheduleId).update(({ state }) => ({ ...wanted, state }));
    }
  }
}
