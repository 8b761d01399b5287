import type { EntityManager } from '@mikro-orm/postgresql';
import type { SessionEvent, SessionEventFacts, SessionEventType } from '../domain/events.ts';
import type { SessionMetadata } from '../domain/impressions.ts';
import type { ModelResult } from '../domain/results.ts';
import {
  isTerminal,
  type SessionStatus,
  type SessionStep,
  type SessionType,
  type StuckCause,
} from '../domain/session.ts';

/**
 * What the steps of a session write. Each function is one statement, so each is one transaction and one round trip,
 * and numbers its event under the lock of the session's state: events have no gap and no double.
 * A step that runs again after its answer was lost finds the session past it, and gets null instead of an event.
 */

export interface NewSession {
  id: string;
  userId: string;
  sessionType: SessionType;
  cue: string;
  metadata: SessionMetadata | null;
  fingerprint: string;
  contentKey: string;
  hasImpressions: boolean;
}

/** Inserts the session, its state and its first event. Null when the session, or its tombstone, exists already. */
export async function insertSession(em: EntityManager, session: NewSession): Promise<SessionEvent | null> {
  const facts: SessionEventFacts = { status: 'created', step: 'create', progress: 0.2 };
  const [row] = await em.execute<EventRow[]>(
    `with state as (
       insert into session_states
         (session_id, user_id, fingerprint, content_key, has_impressions, step, last_seq)
       values (:id, :userId, :fingerprint, :contentKey, :hasImpressions, 'create', 1)
       on conflict do nothing
       returning session_id
     ), session as (
       insert into sessions (id, user_id, cue, session_type, status, metadata)
       select session_id, :userId, :cue, :sessionType, 'created', :metadata::jsonb from state
     )
     insert into session_events (session_id, seq, type, data)
     select session_id, 1, 'created', :facts::jsonb from state
     returning seq, type, data, created_at`,
    { ...session, metadata: JSON.stringify(session.metadata), facts: JSON.stringify(facts) },
  );
  return eventOf(row);
}

export interface StepRecord {
  sessionId: string;
  /** The statuses from which this may happen; from any other one nothing is written. */
  from: readonly SessionStatus[];
  /** The status it leads to; left out where the status stays. */
  status?: SessionStatus;
  /** The step it belongs to; null when the session ends without one. */
  step: SessionStep | null;
  type: SessionEventType;
  progress?: number;
  attempt?: number;
  stuck?: StuckCause;
  results?: readonly StoredResult[];
}

export type StoredResult = ModelResult & { id: string };

/**
 * Takes a session on: status, step, stuck cause, results and the numbered event, or nothing at all.
 * Null when the session is not in one of `from`: it is past this already, or it is gone.
 */
export async function recordStep(em: EntityManager, record: StepRecord): Promise<SessionEvent | null> {
  const { step, progress, attempt, stuck } = record;
  const facts = { step, progress, attempt, ...(stuck && { stuck: { code: stuck.code, message: stuck.message } }) };
  const [row] = await em.execute<EventRow[]>(
    `with session as (
       update sessions
       set status = coalesce(:status, status), completed_at = case when :terminal then now() else completed_at end
       where id = :sessionId and status in (select jsonb_array_elements_text(:from::jsonb))
       returning id, status
     ), state as (
       update session_states
       set step = :step, stuck = :stuck::jsonb, last_seq = last_seq + 1, updated_at = now()
       from session
       where session_id = session.id
       returning session_id, last_seq, session.status
     ), results as (
       insert into analysis_results (id, session_id, result_type, confidence_score, data)
       select r.id, state.session_id, r.result_type, r.confidence_score, r.data
       from state, jsonb_to_recordset(:results::jsonb)
         as r (id uuid, result_type text, confidence_score numeric, data jsonb)
       on conflict do nothing
     )
     insert into session_events (session_id, seq, type, data)
     select session_id, last_seq, :type, jsonb_build_object('status', status) || :facts::jsonb from state
     returning seq, type, data, created_at`,
    {
      sessionId: record.sessionId,
      from: JSON.stringify(record.from),
      status: record.status ?? null,
      terminal: record.status !== undefined && isTerminal(record.status),
      step: record.step,
      stuck: record.stuck === undefined ? null : JSON.stringify(record.stuck),
      type: record.type,
      facts: JSON.stringify(facts),
      results: JSON.stringify(
        (record.results ?? []).map((result) => ({
          id: result.id,
          result_type: result.resultType,
          confidence_score: result.confidenceScore,
          data: result.data,
        })),
      ),
    },
  );
  return eventOf(row);
}

interface EventRow {
  seq: number;
  type: SessionEventType;
  data: SessionEventFacts;
  created_at: string;
}

function eventOf(row: EventRow | undefined): SessionEvent | null {
  if (row === undefined) return null;
  return { seq: row.seq, type: row.type, data: row.data, timestamp: new Date(row.created_at).toISOString() };
}

/** What a step reads of a session before it works. */
export interface SessionFacts {
  userId: string;
  sessionType: SessionType;
  status: SessionStatus;
  contentKey: string;
}

/** Null when the session is gone. */
export async function readSessionFacts(em: EntityManager, sessionId: string): Promise<SessionFacts | null> {
  const [row] = await em.execute<SessionFacts[]>(
    `select s.user_id as "userId", s.session_type as "sessionType", s.status, st.content_key as "contentKey"
     from sessions s join session_states st on st.session_id = s.id
     where s.id = :sessionId`,
    { sessionId },
  );
  return row ?? null;
}

/**
 * Removes the session's rows and leaves its tombstone. The bill stays: it belongs to the books.
 * Safe to run again.
 */
export async function eraseSession(em: EntityManager, sessionId: string): Promise<void> {
  await em.transactional(async (transaction) => {
    // The session's row is locked first, as every step does, so that no step writes in between.
    await transaction.execute(`select from sessions where id = :sessionId for update`, { sessionId });
    await transaction.execute(`delete from session_events where session_id = :sessionId`, { sessionId });
    await transaction.execute(`delete from analysis_results where session_id = :sessionId`, { sessionId });
    await transaction.execute(`delete from sessions where id = :sessionId`, { sessionId });
    await transaction.execute(
      `update session_states
       set deleted_at = coalesce(deleted_at, now()), stuck = null, updated_at = now()
       where session_id = :sessionId`,
      { sessionId },
    );
  });
}

/** Whom the owner of a session is written to as. Null when the session is gone. */
export async function readRecipient(
  em: EntityManager,
  sessionId: string,
): Promise<{ email: string; username: string; status: SessionStatus } | null> {
  const [row] = await em.execute<{ email: string; username: string; status: SessionStatus }[]>(
    `select users.email, users.username, sessions.status
     from sessions join users on users.id = sessions.user_id
     where sessions.id = :sessionId`,
    { sessionId },
  );
  return row ?? null;
}
