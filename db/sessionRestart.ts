import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordedEvent, SessionEventType } from '../domain/events.ts';
import {
  isTerminal,
  type OpenStatus,
  type RestartPoint,
  type SessionStatus,
  type SessionStep,
  type SessionWorkflowInput,
} from '../domain/session.ts';
import { isoUtc } from './isoUtc.ts';
import { recordStep } from './sessionSteps.ts';

/** A session as its restart needs it. */
export interface RestartableSession {
  /** What its workflow is started with, as the rows have it. */
  input: Omit<SessionWorkflowInput, 'analyzeAtOnce' | 'restart'>;
  status: SessionStatus;
  /** A step gave up, and the session waits for somebody. */
  isParked: boolean;
  /** What turned out to be true is recorded, so its results must stay as they were then. */
  hasOutcome: boolean;
}

/** Null when there is no such session, or no longer. */
export async function readRestartable(em: EntityManager, sessionId: string): Promise<RestartableSession | null> {
  const [row] = await em.execute<(RestartableSession['input'] & Omit<RestartableSession, 'input'>)[]>(
    `select s.id as "sessionId", s.user_id as "userId", s.session_type as "sessionType", users.tier, st.fingerprint,
       st.content_key as "contentKey", st.has_impressions as "hasImpressions", s.status,
       st.stuck is not null as "isParked", ${hasOutcome}
     from sessions s
     join session_states st on st.session_id = s.id
     join users on users.id = s.user_id
     where s.id = :sessionId`,
    { sessionId },
  );
  if (row === undefined) return null;
  const { status, isParked, hasOutcome: hasTruth, ...input } = row;
  return { input, status, isParked, hasOutcome: hasTruth };
}

const hasOutcome = `exists (select from outcomes where session_id = s.id) as "hasOutcome"`;

/** The status that each restart leads to, and those from which it does: a step is never skipped but `notify`. */
const goals: Record<Exclude<RestartPoint, 'cancellation'>, { status: OpenStatus; from: readonly SessionStatus[] }> = {
  analyze: { status: 'analyzing', from: ['analyzing', 'notifying', 'billing'] },
  notify: { status: 'notifying', from: ['notifying', 'billing'] },
  bill: { status: 'billing', from: ['notifying', 'billing'] },
};

/** What the event of a restart says. */
const facts: Record<OpenStatus, { step: SessionStep; progress: number }> = {
  pending: { step: 'create', progress: 0 },
  created: { step: 'create', progress: 0.2 },
  analyzing: { step: 'analyze', progress: 0.3 },
  notifying: { step: 'notify', progress: 0.7 },
  billing: { step: 'bill', progress: 0.85 },
};

/** Where a session is after its restart; `event` is null when there was nothing to write. */
export interface Restarted {
  status: SessionStatus;
  createdAt: string;
  event: RecordedEvent | null;
}

interface LockedSession {
  status: SessionStatus;
  createdAt: string;
  hasOutcome: boolean;
  lastEvent: SessionEventType | null;
}

/**
 * Puts a session where its restart begins: at `from`, if that is at or before where it is, or else where it is. What
 * it was stuck at is over; results of an analysis that is done again are removed; a bill stays, so that Stripe's
 * identifier keeps it at one. Null when the session is gone.
 */
export async function recordRestart(
  em: EntityManager,
  { sessionId, from }: { sessionId: string; from: RestartPoint | null },
): Promise<Restarted | null> {
  return em.transactional(async (transaction) => {
    // Locked first: what a step of the run before writes meanwhile is seen, or comes later and finds the new status.
    const [row] = await transaction.execute<LockedSession[]>(
      `select s.status, ${isoUtc('s.created_at')} as "createdAt", ${hasOutcome},
         (select type from session_events where session_id = s.id order by seq desc limit 1) as "lastEvent"
       from sessions s where s.id = :sessionId for update`,
      { sessionId },
    );
    if (row === undefined) return null;
    const { createdAt } = row;
    if (isTerminal(row.status)) return { status: row.status, createdAt, event: null };
    const status = goalOf(row.status, from, row.hasOutcome);
    // An attempt before this one has written it, and nothing happened since.
    if (status === row.status && row.lastEvent === 'restarted') return { status, createdAt, event: null };
    if (status === 'analyzing') {
      await transaction.execute(`delete from analysis_results where session_id = :sessionId`, { sessionId });
    }
    const record = { sessionId, from: [row.status], status, type: 'restarted', ...facts[status] } as const;
    return { status, createdAt, event: await recordStep(transaction, record) };
  });
}

function goalOf(status: OpenStatus, from: RestartPoint | null, hasOutcome: boolean): OpenStatus {
  if (from === null || from === 'cancellation') return status;
  // Analyzing anew once the truth is known would let it look into the answer.
  if (from === 'analyze' && hasOutcome) return status;
  const goal = goals[from];
  return goal.from.includes(status) ? goal.status : status;
}
