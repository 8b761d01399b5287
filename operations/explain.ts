import { listAuditOf, type AuditEntry } from '../db/auditEntries.ts';
import { readBillState } from '../db/bills.ts';
import type { Database } from '../db/database.ts';
import type { BillState } from '../db/entities.ts';
import { eventsAfter } from '../db/sessions.ts';
import { listStepFailures } from '../db/stepFailures.ts';
import { listForOperators, type OperatorsRow, type OperatorsStuck } from '../db/stuckSessions.ts';
import type { SessionEvent } from '../domain/events.ts';
import { isTerminal, sessionTitles } from '../domain/session.ts';
import {
  observedQueues,
  stuckReasonMeanings,
  suggestionFor,
  troubleOf,
  type ObservedActivity,
  type ObservedQueues,
  type Suggestion,
} from '../domain/stuck.ts';
import type { WorkflowClient } from '../temporal/client.ts';
import type { SessionRun } from '../temporal/observer.ts';
import { inPlainWords } from './failureWords.ts';

interface ExplainDeps {
  database: Database;
  workflows: Pick<WorkflowClient, 'describeSession' | 'queues'>;
}

/** An attempt of a step that failed. */
interface FailedAttempt {
  step: string;
  attempt: number;
  /** ISO 8601, UTC. */
  at: string;
  kind: string;
  /** The kind in plain words. */
  meaning: string;
  worker: string;
}

/** Everything that is known of why a session is where it is, without a word of what it says. */
export interface Explanation {
  session: OperatorsRow;
  /** One sentence. */
  summary: string;
  /** What is safe to press. */
  suggestion: Suggestion;
  /** Null when Temporal has no workflow of it any more. */
  run: SessionRun | null;
  /** The queues that somebody polls right now. */
  polledQueues: readonly string[];
  /** The queues that an operator paused. */
  pausedQueues: readonly string[];
  events: readonly SessionEvent[];
  failedAttempts: readonly FailedAttempt[];
  /** Null when it was never about to be billed. */
  bill: BillState | null;
  audit: readonly AuditEntry[];
}

/** The most failed attempts and audit entries that are shown. */
const shownMost = 100;

/** Null when there is no such session. What is wrong is looked at now, and not taken from the last search. */
export async function explainSession(
  { database, workflows }: ExplainDeps,
  sessionId: string,
): Promise<Explanation | null> {
  const em = database.asService();
  const run = await workflows.describeSession(sessionId);
  const { rows } = await listForOperators(em, { ids: [sessionId], limit: 1 });
  const [row] = rows;
  if (row === undefined) return null;
  const queues = observedQueues(await workflows.queues.states());
  const [events, failures, bill, audit] = await Promise.all([
    eventsAfter(database.asService(), sessionId, 0),
    listStepFailures(database.asService(), sessionId, shownMost),
    readBillState(database.asService(), sessionId),
    listAuditOf(database.asService(), sessionId, shownMost),
  ]);
  const stuck = stuckNow(row, run, queues);
  const session = { ...row, stuck };
  return {
    session,
    summary: summaryOf(session, run),
    suggestion: adviceFor(session, run, queues),
    run,
    polledQueues: [...queues.polled].sort(),
    pausedQueues: [...queues.paused].sort(),
    events,
    failedAttempts: failures.map(({ step, attempt, kind, worker, at }) => ({
      step,
      attempt,
      at: at.toISOString(),
      kind,
      meaning: inPlainWords(kind),
      worker,
    })),
    bill,
    audit,
  };
}

function stuckNow(row: OperatorsRow, run: SessionRun | null, queues: ObservedQueues): OperatorsStuck | null {
  if (isTerminal(row.status) || row.stuck?.reason === 'gave_up') return row.stuck;
  const trouble = run?.status === 'RUNNING' ? troubleOf(run, queues, new Date()) : null;
  if (trouble === null) return null;
  const since = row.stuck?.reason === trouble.reason ? row.stuck.since : new Date().toISOString();
  return { ...trouble, code: null, since };
}

function summaryOf({ sessionType, status, stuck }: OperatorsRow, run: SessionRun | null): string {
  const parts = [sessionTitles[sessionType], isTerminal(status) ? status : doingOf(status, run)];
  if (stuck !== null) parts.push(`stuck: ${stuckReasonMeanings[stuck.reason]}`);
  return parts.join(' · ');
}

function doingOf(status: OperatorsRow['status'], run: SessionRun | null): string {
  if (run === null || run.status !== 'RUNNING') return `${status}, but it has no open workflow`;
  const [activity] = run.activities;
  if (activity !== undefined) return `${activity.step} · ${stateInWords(activity)} · attempt ${activity.attempt}`;
  return run.workflowTask === null ? `${status}, and waits` : 'its workflow is due';
}

/** What an activity is at, in words. */
export function stateInWords({ state, queue, nextAttemptAt }: ObservedActivity): string {
  switch (state) {
    case 'waiting':
      return `waiting for a worker of ${queue}`;
    case 'running':
      return 'running';
    case 'backing_off':
      return `tried again at ${nextAttemptAt?.toISOString().slice(11, 19) ?? 'its time'}`;
    case 'paused':
      return 'paused by an operator';
  }
}

function adviceFor({ status, stuck }: OperatorsRow, run: SessionRun | null, queues: ObservedQueues): Suggestion {
  if (isTerminal(status)) return { action: 'wait', why: 'It has come to its end; nothing needs to be done.' };
  if (stuck !== null) return suggestionFor(stuck.reason, stuck.code);
  if (run === null || run.status !== 'RUNNING') {
    return { action: 'retry', why: 'Nothing works on it: a retry starts its workflow anew where it is.' };
  }
  const paused = run.activities.find(({ state, queue }) => state === 'waiting' && queues.paused.has(queue));
  if (paused !== undefined) {
    return { action: 'wait', why: `An operator paused the queue ${paused.queue}; it goes on once that is resumed.` };
  }
  if (run.activities.some(({ state }) => state === 'paused')) {
    return { action: 'wait', why: 'An operator paused it; resume it when it may go on.' };
  }
  return status === 'created'
    ? { action: 'wait', why: 'It waits for its person, who has thirty days to record it.' }
    : { action: 'wait', why: 'It comes forward; nothing needs to be done.' };
}
