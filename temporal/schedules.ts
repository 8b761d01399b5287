import {
  Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ConnectionLike,
  type ScheduleOptions,
} from '@temporalio/client';
import type { Config } from '../config.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { dayMs, hourMs, minuteMs, secondMs } from '../domain/time.ts';

/** What Temporal starts by itself, and how often. */
interface WorkflowSchedule {
  scheduleId: ScheduleId;
  workflowType: string;
  /** 0 for never by itself. */
  everyMs: number;
  /** How long after the beginning of each period, which are counted from 1970 in UTC. */
  offsetMs?: number;
  /** How late it still starts after Temporal was gone. */
  catchupMs: number;
  /** What operators read of it in the Web UI. */
  summary: string;
}

export type ScheduleId = 'find-stuck' | 'backup' | 'rehearsal';

type Intervals = Pick<Config, 'TEMPORAL_NAMESPACE' | 'BACKUP_EVERY_HOURS' | 'REHEARSAL_EVERY_HOURS'>;

/** Everything that runs by a schedule. */
function schedulesOf({ BACKUP_EVERY_HOURS, REHEARSAL_EVERY_HOURS }: Intervals): WorkflowSchedule[] {
  return [
    {
      scheduleId: 'find-stuck',
      workflowType: 'findStuckWorkflow',
      everyMs: minuteMs,
      catchupMs: minuteMs,
      summary: 'search for stuck sessions',
    },
    {
      scheduleId: 'backup',
      workflowType: 'backupWorkflow',
      everyMs: BACKUP_EVERY_HOURS * hourMs,
      offsetMs: 2 * hourMs,
      catchupMs: dayMs,
      summary: 'backup of the database and the object storage',
    },
    {
      scheduleId: 'rehearsal',
      workflowType: 'rehearsalWorkflow',
      everyMs: REHEARSAL_EVERY_HOURS * hourMs,
      // When the backup of the night is long done.
      offsetMs: 8 * hourMs,
      catchupMs: dayMs,
      summary: 'rehearsal of a restore from the newest backup',
    },
  ];
}

/** Makes the schedules, or changes them to what they are now. Safe to run again; one that an operator paused stays so. */
export async function provisionSchedules(connection: ConnectionLike, config: Intervals): Promise<void> {
  const { schedule: client } = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  for (const { scheduleId, workflowType, everyMs, offsetMs = 0, catchupMs, summary } of schedulesOf(config)) {
    const wanted: Omit<ScheduleOptions, 'scheduleId'> = {
      spec: { intervals: everyMs === 0 ? [] : [{ every: everyMs, offset: offsetMs % everyMs }] },
      action: {
        type: 'startWorkflow',
        workflowId: scheduleId,
        workflowType,
        taskQueue: taskQueues.cpu,
        args: [],
        staticSummary: summary,
      },
      // One that takes longer is not met by the next; what was missed is done once.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchupMs },
    };
    try {
      await client.create({ scheduleId, ...wanted });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await client.getHandle(scheduleId).update(({ state }) => ({ ...wanted, state }));
    }
  }
}

/** Thrown when `npm run provision` has not made the schedules yet. */
export class ScheduleMissingError extends Error {
  override readonly name = 'ScheduleMissingError';
}

/**
 * Starts now what else starts by itself, and returns the id of its workflow; one that runs already is not started
 * beside, and its id is returned.
 *
 * @throws ScheduleMissingError
 */
export async function triggerSchedule(
  connection: ConnectionLike,
  namespace: string,
  scheduleId: ScheduleId,
): Promise<string> {
  const handle = new Client({ connection, namespace }).schedule.getHandle(scheduleId);
  try {
    const { info: before } = await handle.describe();
    const [running] = before.runningActions;
    if (running !== undefined) return running.workflow.workflowId;
    const known = new Set(before.recentActions.map(({ action }) => action.workflow.firstExecutionRunId));
    await handle.trigger(ScheduleOverlapPolicy.SKIP);
    const deadline = Date.now() + 30 * secondMs;
    for (;;) {
      const { info } = await handle.describe();
      const started = info.recentActions.find(({ action }) => !known.has(action.workflow.firstExecutionRunId));
      if (started !== undefined) return started.action.workflow.workflowId;
      if (Date.now() > deadline)
        throw new Error(`The schedule ${scheduleId} was told to start its workflow and did not`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) {
      throw new ScheduleMissingError('There is no schedule: run "npm run provision" first.', { cause: error });
    }
    throw error;
  }
}
