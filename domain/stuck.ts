import { sessionSteps } from './session.ts';
import type { QueueState } from './taskQueues.ts';
import { minuteMs, secondMs } from './time.ts';

/** Where being stuck is defined: what is seen of an open session, and what of it needs a person. No I/O. */

/**
 * Why a session does not come forward, the gravest first.
 * - `nondeterministic`: the code of today cannot go on from its history.
 * - `workflow_failing`: its workflow fails for another reason, again and again.
 * - `gave_up`: a step used up its attempts, or was refused for good, and the session is parked.
 * - `no_worker`: nobody polls the queue that it waits in.
 * - `many_attempts`: a step fails again and again, and is still being tried.
 * - `overdue`: a step takes longer than it may.
 */
export const stuckReasons = [
  'nondeterministic',
  'workflow_failing',
  'gave_up',
  'no_worker',
  'many_attempts',
  'overdue',
] as const;
export type StuckReason = (typeof stuckReasons)[number];

/** What each reason means, in a sentence for the operator. */
export const stuckReasonMeanings: Record<StuckReason, string> = {
  nondeterministic: 'Its history does not fit the workflow code that the workers run.',
  workflow_failing: 'Its workflow fails again and again before it can do anything.',
  gave_up: 'A step gave up, and the session waits for somebody to retry or cancel it.',
  no_worker: 'Nobody polls the queue that it waits in.',
  many_attempts: 'A step keeps failing and is still being tried.',
  overdue: 'A step takes longer than it may.',
};

/** The work that an open session waits for. `record` stands for writing down how it parks, goes on and ends. */
export const observedSteps = [...sessionSteps, 'record'] as const;
export type ObservedStep = (typeof observedSteps)[number];

/** `waiting`: for a worker; `running`; `backing_off`: until the next attempt; `paused` by an operator. */
export const activityStates = ['waiting', 'running', 'backing_off', 'paused'] as const;
type ActivityState = (typeof activityStates)[number];

/** What Temporal says of an activity that is not done. */
export interface ObservedActivity {
  step: ObservedStep;
  /** The queue whose workers do it. */
  queue: string;
  state: ActivityState;
  /** From 1. */
  attempt: number;
  /** 0 for without end. */
  maximumAttempts: number;
  /** When the step was begun, its earlier attempts included. */
  scheduledAt: Date;
  startedAt: Date | null;
  nextAttemptAt: Date | null;
  /** The worker of the newest attempt. */
  worker: string | null;
  /** The kind of the newest failure, such as `TimeoutError`; never the words of a driver. */
  failure: string | null;
}

/** What Temporal says of the workflow's own next step, where one is due. */
export interface ObservedWorkflowTask {
  queue: string;
  attempt: number;
  scheduledAt: Date;
  isStarted: boolean;
  /** Why the newest attempt failed, where it did. */
  failure: 'nondeterministic' | 'other' | null;
}

/** What is seen of an open session. */
export interface ObservedSession {
  activities: readonly ObservedActivity[];
  workflowTask: ObservedWorkflowTask | null;
}

/** How the queues stand that open sessions wait in. */
export interface ObservedQueues {
  /** Those that somebody polls. */
  polled: ReadonlySet<string>;
  /** Those that an operator paused: what waits in them waits on purpose. */
  paused: ReadonlySet<string>;
}

/** How the queues stand, as far as it tells of those who wait in them. */
export function observedQueues(states: readonly QueueState[]): ObservedQueues {
  return {
    polled: new Set(states.filter(({ workers }) => workers > 0).map(({ queue }) => queue)),
    paused: new Set(states.filter(({ paused }) => paused !== null).map(({ queue }) => queue)),
  };
}

/** What is wrong with a session. */
interface Trouble {
  reason: StuckReason;
  /** Null where it is the workflow itself. */
  step: ObservedStep | null;
  /** How many attempts of the step were begun. */
  attempts: number;
}

/** From when on an open session counts as stuck. */
export interface StuckLimits {
  /** The longest that a step may take, all its attempts together. */
  stepMs: Record<ObservedStep, number>;
  /** The most attempts that a step may need. */
  attempts: Record<ObservedStep, number>;
  /** How long something may wait for a worker where none polls. */
  unpolledMs: number;
  /** The most attempts that the workflow's own next step may need. */
  workflowTaskAttempts: number;
}

/** A person waits for `create`; `notify` and `bill` wait out an outage of the other side, which its own alert tells of. */
export const stuckLimits: StuckLimits = {
  stepMs: {
    create: minuteMs,
    analyze: 10 * minuteMs,
    notify: 30 * minuteMs,
    bill: 30 * minuteMs,
    record: 5 * minuteMs,
  },
  attempts: { create: 5, analyze: 3, notify: 6, bill: 6, record: 6 },
  unpolledMs: 30 * secondMs,
  workflowTaskAttempts: 3,
};

/** What is wrong with a session, by the gravest of its reasons; null when it comes forward. What an operator paused waits on purpose. */
export function troubleOf(
  { activities, workflowTask }: ObservedSession,
  queues: ObservedQueues,
  now: Date,
  limits: StuckLimits = stuckLimits,
): Trouble | null {
  const troubles = [
    workflowTask && troubleOfWorkflowTask(workflowTask, queues, now, limits),
    ...activities.map((activity) => troubleOfActivity(activity, queues, now, limits)),
  ].filter((trouble) => trouble !== null);
  troubles.sort((a, b) => stuckReasons.indexOf(a.reason) - stuckReasons.indexOf(b.reason));
  return troubles[0] ?? null;
}

function troubleOfWorkflowTask(
  { queue, attempt, scheduledAt, isStarted, failure }: ObservedWorkflowTask,
  queues: ObservedQueues,
  now: Date,
  limits: StuckLimits,
): Trouble | null {
  const waitedMs = now.getTime() - scheduledAt.getTime();
  const because = (reason: StuckReason): Trouble => ({ reason, step: null, attempts: attempt });
  if (failure === 'nondeterministic') return because('nondeterministic');
  if (failure !== null && attempt > limits.workflowTaskAttempts) return because('workflow_failing');
  if (isStarted) return null;
  if (!queues.polled.has(queue)) return waitedMs > limits.unpolledMs ? because('no_worker') : null;
  return waitedMs > limits.stepMs.record ? because('overdue') : null;
}

function troubleOfActivity(
  { step, queue, state, attempt, scheduledAt }: ObservedActivity,
  queues: ObservedQueues,
  now: Date,
  limits: StuckLimits,
): Trouble | null {
  const takenMs = now.getTime() - scheduledAt.getTime();
  const because = (reason: StuckReason): Trouble => ({ reason, step, attempts: attempt });
  if (state === 'paused' || (state === 'waiting' && queues.paused.has(queue))) return null;
  if (state === 'waiting' && !queues.polled.has(queue) && takenMs > limits.unpolledMs) return because('no_worker');
  if (attempt > limits.attempts[step]) return because('many_attempts');
  return takenMs > limits.stepMs[step] ? because('overdue') : null;
}

/** What an operator may be advised to do. */
export const suggestedActions = ['wait', 'retry', 'start_worker', 'look'] as const;

/** What is safe to press, and why. */
export interface Suggestion {
  action: (typeof suggestedActions)[number];
  why: string;
}

/** What an operator is advised to do about a session that is stuck for this reason. */
export function suggestionFor(reason: StuckReason, code: string | null): Suggestion {
  switch (reason) {
    case 'nondeterministic':
      return {
        action: 'retry',
        why: 'Retry it: its workflow is started anew where it is, from what is stored, and its history is not read again. Deploy the earlier version first if many are like this.',
      };
    case 'workflow_failing':
      return { action: 'look', why: 'The log of the CPU workers says why; deploy what mends it, and it goes on.' };
    case 'no_worker':
      return { action: 'start_worker', why: 'Start a worker for its queue; it goes on by itself.' };
    case 'many_attempts':
    case 'overdue':
      return {
        action: 'wait',
        why: 'It is still being tried. Look at what the failure names; once that is well, a retry spares the wait.',
      };
    case 'gave_up':
      return code === 'billing_uncertain'
        ? { action: 'look', why: 'Look in Stripe for the usage of this session, then retry or cancel.' }
        : { action: 'retry', why: 'Retry it once what the cause names is well again; a retry can never bill twice.' };
  }
}
