import type { HistoryAndWorkflowId } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

/*
 * Replaying: the workflow code is run again on what a workflow's history says that happened, and must decide the same
 * at every point. Where it does not, a worker with this code could not take that workflow on.
 */

/** Where a history and the code part, in plain words. */
interface Divergence {
  /** The number of the event in the history; null where the SDK did not name it. */
  eventId: number | null;
  /** What the history holds there. */
  found: string;
  /** What the code does there instead. */
  expected: string;
}

export type ReplayOutcome = { workflowId: string; runId: string; workflowType: string } & (
  | { kind: 'same' }
  | { kind: 'diverged'; divergence: Divergence }
  /** It could not be replayed at all: the code threw, or has no such workflow. */
  | { kind: 'broken'; reason: string }
);

interface ReplayOptions {
  /** The workflows as `npm run build` bundles them. */
  workflowBundle: { code: string };
  /** What opens the payloads of the histories. */
  dataConverter?: DataConverter;
}

/** Replays histories one after the other, so that no more than one of them is in memory at a time. */
export async function* replayHistories(
  options: ReplayOptions,
  histories: AsyncIterable<HistoryAndWorkflowId> | Iterable<HistoryAndWorkflowId>,
): AsyncGenerator<ReplayOutcome> {
  let history: History | undefined;
  async function* remembered() {
    for await (const next of histories) {
      history = isHistory(next.history) ? next.history : undefined;
      yield next;
    }
  }
  for await (const { workflowId, runId, error } of Worker.runReplayHistories(workerOptions(options), remembered())) {
    const replayed = { workflowId, runId, workflowType: typeOf(history) };
    if (error === undefined || history === undefined) yield { ...replayed, kind: 'same' };
    else if (error instanceof DeterminismViolationError) {
      yield { ...replayed, kind: 'diverged', divergence: await divergenceOf(options, history, error.message) };
    } else yield { ...replayed, kind: 'broken', reason: thrownIn(detailsOf(error.message)) };
  }
}

function isHistory(history: unknown): history is History {
  return typeof history === 'object' && history !== null && 'events' in history;
}

function workerOptions({ workflowBundle, dataConverter }: ReplayOptions) {
  return { workflowBundle, ...(dataConverter ? { dataConverter } : {}) };
}

async function divergenceOf(options: ReplayOptions, history: History, message: string): Promise<Divergence> {
  const details = detailsOf(message);
  const unexpected = /No command scheduled for event HistoryEvent\(id: (\d+), \w+\)/.exec(details);
  if (unexpected) return at(history, Number(unexpected[1]), 'nothing: it waits, or it has ended');

  const another = /^(\w[\w ]*?) machine (?:does not|cannot) handle this event: HistoryEvent\s*[({][^\d]*(\d+)/.exec(
    details,
  );
  if (another) return at(history, Number(another[2]), machineWords[another[1] ?? ''] ?? 'something else');

  const renamed =
    /Activity type of scheduled event '(.*)' does not match activity type of activity command '(.*)'/.exec(details);
  if (renamed) {
    const [, before = '', now = ''] = renamed;
    return at(history, await firstDiverging(options, history, before), `the activity ${now} is scheduled`);
  }
  return { eventId: null, found: 'see what the SDK says', expected: details };
}

function at(history: History, eventId: number | null, expected: string): Divergence {
  return { eventId, found: eventId === null ? 'another activity' : eventWords(history, eventId), expected };
}

/**
 * The first event that schedules an activity of this type and cannot be replayed. The SDK says of two activities only
 * how they are called, so where there are several of a type, ever longer beginnings of the history are replayed.
 */
async function firstDiverging(options: ReplayOptions, history: History, activityType: string): Promise<number | null> {
  const events = history.events ?? [];
  const candidates = events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }, index) =>
    scheduled?.activityType?.name === activityType ? [index] : [],
  );
  for (const index of candidates.slice(0, -1)) {
    const beginning = { events: events.slice(0, index + 1) };
    try {
      await Worker.runReplayHistory(workerOptions(options), beginning);
    } catch (error) {
      if (error instanceof DeterminismViolationError) return Number(events[index]?.eventId);
      throw error;
    }
  }
  const last = candidates.at(-1);
  return last === undefined ? null : Number(events[last]?.eventId);
}

/** What the code does, by the name of the state machine that got an event which is not its own. */
const machineWords: Record<string, string> = {
  Activity: 'an activity is scheduled',
  Timer: 'a timer is started',
  'Complete workflow': 'the workflow completes',
  'Fail workflow': 'the workflow fails',
  'Cancel workflow': 'the workflow ends as cancelled',
  'Continue as new workflow': 'the workflow continues as new',
  'Child workflow': 'a child workflow is started',
  'Cancel external WF': 'another workflow is cancelled',
  'Signal external WF': 'another workflow is signalled',
  'Upsert search attributes': 'search attributes are changed',
  'Modify workflow properties': 'the memo is changed',
  Change: 'a patch is marked',
  Update: 'an update is answered',
};

/** "ActivityTaskScheduled (analyze)", with the name of what it is about where it has one. */
function eventWords(history: History, eventId: number): string {
  const event = history.events?.find((one) => Number(one.eventId) === eventId);
  if (event === undefined) return 'an event that the history does not have';
  const attributes = Object.entries(event).find(([name]) => name.endsWith('EventAttributes'));
  const type = (attributes?.[0] ?? 'unknown').replace(/EventAttributes$/, '');
  const about =
    event.activityTaskScheduledEventAttributes?.activityType?.name ??
    event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowType?.name ??
    event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name ??
    '';
  return `${type.slice(0, 1).toUpperCase()}${type.slice(1)}${about === '' ? '' : ` (${about})`}`;
}

function typeOf(history: History | undefined): string {
  return history?.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? 'unknown';
}

/** What the SDK says, without what it says each time. */
function detailsOf(message: string): string {
  return message.replace(/^.*?Details: /s, '').replace(/^.*?\[TMPRL1100\] Nondeterminism error: /s, '');
}

/** The words of what the workflow threw, out of what the SDK says of it. */
function thrownIn(details: string): string {
  const [, quoted] = /message: ("(?:[^"\\]|\\.)*")/.exec(details) ?? [];
  return quoted === undefined ? details : String(JSON.parse(quoted));
}
