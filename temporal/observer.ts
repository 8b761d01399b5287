import { Client, WorkflowNotFoundError, type ConnectionLike } from '@temporalio/client';
import { optionalTsToDate, tsToDate } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import {
  sessionSteps,
  sessionTypes,
  stuckCodes,
  type SessionStep,
  type SessionType,
  type StuckCode,
} from '../domain/session.ts';
import type { ObservedActivity, ObservedSession, ObservedStep, ObservedWorkflowTask } from '../domain/stuck.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { tiers, type Tier } from '../domain/tiers.ts';
import { searchAttributes } from '../workflows/searchAttributes.ts';
import { sessionWorkflowId } from '../workflows/session.ts';

const { PendingActivityState, WorkflowTaskFailedCause, PendingWorkflowTaskState } = proto.temporal.api.enums.v1;

/** An open session as a search finds it: ids and small facts. */
export interface FoundSession {
  sessionId: string;
  userId: string;
  sessionType: SessionType;
  tier: Tier;
  /** Where it is parked; null while it is not. */
  parked: { step: SessionStep; code: StuckCode } | null;
}

/** The newest run of a session's workflow. */
export interface SessionRun extends ObservedSession {
  workflowId: string;
  runId: string;
  /** `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED`, `TERMINATED`, … */
  status: string;
  startedAt: Date;
  closedAt: Date | null;
  historyEvents: number;
}

/** Reads how workflows stand. It changes nothing. */
export interface WorkflowObserver {
  /** Every open session that was started before `startedBefore` and does not wait for its person. */
  openSessions(startedBefore: Date): AsyncIterable<FoundSession>;
  /** Null when Temporal knows no workflow of the session. */
  describeSession(sessionId: string): Promise<SessionRun | null>;
}

/** The observer over an open connection. */
export function createWorkflowObserver(connection: ConnectionLike, namespace: string): WorkflowObserver {
  const client = new Client({ connection, namespace });

  /**
   * Why the newest attempt at the workflow's next step failed: only the first of several stands in the history. A signal
   * that comes during an attempt lets the count begin anew, but code that its history does not fit fails again.
   */
  async function newestFailure(
    workflowId: string,
    runId: string,
    attempt: number,
  ): Promise<ObservedWorkflowTask['failure']> {
    const { history } = await connection.workflowService.getWorkflowExecutionHistoryReverse({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 10,
    });
    const newest = history?.events?.find(
      (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskCompletedEventAttributes,
    );
    const cause = newest?.workflowTaskFailedEventAttributes?.cause;
    if (cause === undefined || cause === null) return null;
    if (cause === WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR) return 'nondeterministic';
    return attempt > 1 ? 'other' : null;
  }

  return {
    async *openSessions(startedBefore) {
      const query = [
        `WorkflowType = 'sessionWorkflow'`,
        `ExecutionStatus = 'Running'`,
        `${searchAttributes.sessionStatus.name} != 'created'`,
        `StartTime < '${startedBefore.toISOString()}'`,
      ].join(' and ');
      for await (const { typedSearchAttributes: found } of client.workflow.list({ query })) {
        const sessionId = found.get(searchAttributes.sessionId);
        const userId = found.get(searchAttributes.userId);
        const sessionType = sessionTypes.find((known) => known === found.get(searchAttributes.sessionType));
        const tier = tiers.find((known) => known === found.get(searchAttributes.tier));
        if (sessionId === undefined || userId === undefined || sessionType === undefined || tier === undefined)
          continue;
        yield {
          sessionId,
          userId,
          sessionType,
          tier,
          parked: parkedAs(found.get(searchAttributes.step), found.get(searchAttributes.stuckReason)),
        };
      }
    },

    async describeSession(sessionId) {
      const workflowId = sessionWorkflowId(sessionId);
      const description = await client.workflow
        .getHandle(workflowId)
        .describe()
        .catch((error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return null;
          throw error;
        });
      if (description === null) return null;
      const { runId, raw } = description;
      const task = raw.pendingWorkflowTask;
      const attempt = task?.attempt ?? 0;
      return {
        workflowId,
        runId,
        status: description.status.name,
        startedAt: description.startTime,
        closedAt: description.closeTime ?? null,
        historyEvents: description.historyLength,
        activities: (raw.pendingActivities ?? []).map(observedActivity),
        workflowTask: task
          ? {
              queue: description.taskQueue,
              attempt,
              scheduledAt: optionalTsToDate(task.originalScheduledTime ?? task.scheduledTime) ?? description.startTime,
              isStarted: task.state === PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED,
              failure: await newestFailure(workflowId, runId, attempt),
            }
          : null,
      };
    },
  };
}

function parkedAs(step: string | undefined, code: string | undefined): FoundSession['parked'] {
  const knownStep = sessionSteps.find((known) => known === step);
  const knownCode = stuckCodes.find((known) => known === code);
  return knownStep === undefined || knownCode === undefined ? null : { step: knownStep, code: knownCode };
}

type PendingActivity = proto.temporal.api.workflow.v1.IPendingActivityInfo;

function observedActivity(pending: PendingActivity): ObservedActivity {
  const step = stepOf(pending.activityType?.name ?? '');
  const nextAttemptAt = optionalTsToDate(pending.nextAttemptScheduleTime) ?? null;
  const failure = pending.lastFailure;
  return {
    step,
    queue: pending.activityOptions?.taskQueue?.name ?? taskQueues[step === 'analyze' ? 'gpu' : 'cpu'],
    state: stateOf(pending, nextAttemptAt),
    attempt: pending.attempt ?? 1,
    maximumAttempts: pending.maximumAttempts ?? 0,
    scheduledAt: pending.scheduledTime ? tsToDate(pending.scheduledTime) : new Date(),
    startedAt: optionalTsToDate(pending.lastStartedTime) ?? null,
    nextAttemptAt,
    worker: pending.lastWorkerIdentity || null,
    failure: failure ? kindOf(failure) : null,
  };
}

function stepOf(activityType: string): ObservedStep {
  return sessionSteps.find((step) => step === activityType) ?? 'record';
}

function stateOf({ state, paused }: PendingActivity, nextAttemptAt: Date | null): ObservedActivity['state'] {
  switch (state) {
    case PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED:
    case PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED:
      return 'paused';
    case PendingActivityState.PENDING_ACTIVITY_STATE_STARTED:
    case PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED:
      return 'running';
    default:
      if (paused) return 'paused';
      return nextAttemptAt !== null && nextAttemptAt.getTime() > Date.now() ? 'backing_off' : 'waiting';
  }
}

/** The kind of a failure alone: its message could be encrypted, and says no more. */
function kindOf(failure: proto.temporal.api.failure.v1.IFailure): string {
  if (failure.timeoutFailureInfo) return 'TimeoutFailure';
  return failure.applicationFailureInfo?.type || 'Failure';
}
