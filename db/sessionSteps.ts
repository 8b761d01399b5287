import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordedEvent, SessionEventType } from '../domain/events.ts';
import type { KeptContent, SessionMetadata } from '../domain/content.ts';
import type { ModelResult } from '../domain/results.ts';
import {
  isTerminal,
  type SessionStatus,
  type SessionStep,
  type SessionType,
  type StuckCause,
} from '../domain/session.ts';
import { eventOf, recordedEventOf, recordingFacts, type EventRow } from './eventRow.ts';

/**
 * What the steps of a session write. Creating it and taking it on are one statement each, so one transaction and one
 * round trip, and number their event under the lock of the session's state: events have no gap and no double.
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
export async function insertSession(em: EntityManager, session: NewSession): Promise<RecordedEvent | null> {
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
    { ...session, metadata: JSON.stringify(session.metadata), facts: JSON.stringify(recordingFacts) },
  );
  return row === undefined ? null : { ...eventOf(row), userId: session.userId };
}

/**
 * When a session was created that an earlier attempt has inserted: the time of its first event. ISO 8601, UTC.
 * Of one that was erased meanwhile, the time of its tombstone.
 */
export async function readCreatedAt(em: EntityManager, sessionId: string): Promise<string> {
  const [row] = await em.execute<{ at: string }[]>(
    `select coalesce(s.created_at, st.updated_at) as at
     from session_states st left join sessions s on s.id = st.session_id
     where st.session_id = :sessionId`,
    { sessionId },
  );
  if (row === undefined) throw new Error('A session that was inserted has left no state');
  return new Date(row.at).toISOString();
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
 * Takes a session on: status, step, stuck cause, results and the numbered event, or nothing at all. A session that is
 * completed by it has its bill settled with it.
 * Null when the session is not in one of `from`: it is past this already, or it is gone.
 */
export async function recordStep(em: EntityManager, record: StepRecord): Promise<RecordedEvent | null> {
  const written = await writeStep(em, record);
  return written && recordedEventOf(written);
}

/**
 * Records that an attempt at the analysis begins, and says whose the session is, where its content lies, and what its
 * row keeps of that. From here on it can no longer be changed. Null when the session is past its analysis, or gone.
 */
export async function beginAnalysis(
  em: EntityManager,
  { sessionId, attempt }: { sessionId: string; attempt: number },
): Promise<(KeptContent & { event: RecordedEvent; contentKey: string; userId: string }) | null> {
  const written = await writeStep(em, {
    sessionId,
    from: ['created', 'analyzing'],
    status: 'analyzing',
    step: 'analyze',
    type: 'analysis_started',
    progress: 0.3,
    attempt,
  });
  if (written === null) return null;
  const { content_key: contentKey, user_id: userId, cue, metadata } = written;
  return { event: recordedEventOf(written), contentKey, userId, cue, metadata };
}

type StepRow = EventRow & KeptContent & { content_key: string; user_id: string };

async function writeStep(em: EntityManager, record: StepRecord): Promise<StepRow | null> {
  const { step, progress, attempt, stuck } = record;
  const facts = { step, progress, attempt, ...(stuck && { stuck: { code: stuck.code, message: stuck.message } }) };
  // The list of statuses is no subquery: of one, a statement that waited for a lock sees the member that matched before.
  const [row] = await em.execute<StepRow[]>(
    `with session as (
       update sessions
       set status = coalesce(:status, status), completed_at = case when :terminal then now() else completed_at end
       where id = :sessionId and :from::jsonb @> to_jsonb(status::text)
       returning id, status, user_id, cue, metadata
     ), state as (
       update session_states
       set step = :step, stuck = :stuck::jsonb, last_seq = last_seq + 1, updated_at = now()
       from session
       where session_id = session.id
       returning session_id, last_seq, content_key, session.status, session.user_id, session.cue, session.metadata
     ), results as (
       insert into analysis_results (id, session_id, result_type, confidence_score, data)
       select r.id, state.session_id, r.result_type, r.confidence_score, r.data
       from state, jsonb_to_recordset(:results::jsonb)
         as r (id uuid, result_type text, confidence_score numeric, data jsonb)
       on conflict do nothing
     ), bill as (
       update bills set state = 'sent', updated_at = now()
       from state
       where bills.session_id = state.session_id and state.status = 'completed'
     ), event as (
       insert into session_events (session_id, seq, type, data)
       select session_id, last_seq, :type, jsonb_build_object('status', status) || :facts::jsonb from state
       returning seq, type, data, created_at
     )
     select event.*, state.content_key, state.user_id, state.cue, state.metadata from event, state`,
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
  return row ?? null;
}

/** The type of a session; null when it is gone. */
export async function readSessionType(em: EntityManager, sessionId: string): Promise<SessionType | null> {
  const [row] = await em.execute<{ sessionType: SessionType }[]>(
    `select session_type as "sessionType" from sessions where id = :sessionId`,
    { sessionId },
  );
  return row?.sessionType ?? null;
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
    await transaction.execute(`delete from attachments where session_id = :sessionId`, { sessionId });
    await transaction.execute(`delete from session_shares where session_id = :sessionId`, { sessionId });
    await transaction.execute(`delete from step_failures where session_id = :sessionId`, { sessionId });
    await transaction.execute(`delete from stuck_sessions where session_id = :sessionId`, { sessionId });
    await transaction.execute(`delete from outcomes where session_id = :sessionId`, { sessionId });
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

export interface Recipient {
  email: string;
  username: string;
  status: SessionStatus;
  /** Whether the person showed that the e-mail is theirs: until then nobody is written to about sessions. */
  isConfirmed: boolean;
}

/** Whom the owner of a session is written to as. Null when the session is gone. */
export async function readRecipient(em: EntityManager, sessionId: string): Promise<Recipient | null> {
  const [row] = await em.execute<Recipient[]>(
    `select users.email, users.username, sessions.status,
       exists (
         select from account_states where user_id = users.id and email_confirmed_at is not null
       ) as "isConfirmed"
     from sessions join users on users.id = sessions.user_id
     where sessions.id = :sessionId`,
    { sessionId },
  );
  return row ?? null;
}
