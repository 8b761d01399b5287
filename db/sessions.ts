import type { EntityManager } from '@mikro-orm/postgresql';
import type { SessionEvent } from '../domain/events.ts';
import type { KeptContent, SessionMetadata } from '../domain/content.ts';
import type { ResultType } from '../domain/results.ts';
import type { SessionStatus, SessionStep, SessionType, StuckCause } from '../domain/session.ts';
import { AnalysisResult, SessionEventRow } from './entities.ts';
import { eventOf, recordingFacts, type EventRow } from './eventRow.ts';
import { isoUtc } from './isoUtc.ts';

/**
 * What the gateway reads and writes of sessions. Every function takes an entity manager of one user
 * (`Database.asUser`), so row-level security hides everybody else's rows: they are as if they did not exist.
 */

/** A session as the gateway reads it; its impressions lie sealed in object storage under `contentKey`. */
export interface SessionRow {
  id: string;
  userId: string;
  sessionType: SessionType;
  cue: string;
  status: SessionStatus;
  step: SessionStep | null;
  metadata: SessionMetadata | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** ISO 8601, UTC; null before the end. */
  completedAt: string | null;
  stuck: StuckCause | null;
  contentKey: string;
  hasImpressions: boolean;
  fingerprint: string;
  lastSeq: number;
}

const sessionColumns = `
  s.id, s.user_id as "userId", s.session_type as "sessionType", s.cue, s.status, st.step, s.metadata,
  ${isoUtc('s.created_at')} as "createdAt", ${isoUtc('s.completed_at')} as "completedAt", st.stuck, st.content_key as "contentKey",
  st.has_impressions as "hasImpressions", st.fingerprint, st.last_seq as "lastSeq"`;

/** Null when the user has no such session. */
export async function findSession(em: EntityManager, id: string): Promise<SessionRow | null> {
  const [row] = await em.execute<SessionRow[]>(
    `select ${sessionColumns} from sessions s join session_states st on st.session_id = s.id where s.id = :id`,
    { id },
  );
  return row ?? null;
}

/** What a list of sessions can be sorted by; a session that has not ended counts as the last to end. */
const sortColumns = {
  createdAt: 's.created_at',
  completedAt: `coalesce(s.completed_at, 'infinity'::timestamptz)`,
} as const;
export const sessionSorts = ['-createdAt', 'createdAt', '-completedAt', 'completedAt'] as const;
/** The field, with `-` before it where the list begins with the newest. */
export type SessionSort = (typeof sessionSorts)[number];

/** Where a list goes on: the sorted time and the id of the last session that was shown. */
export interface SessionPosition {
  /** As PostgreSQL prints it, to the microsecond: a Date would lose the last three digits and skip rows. */
  time: string;
  id: string;
}

export interface SessionFilters {
  statuses?: readonly SessionStatus[] | undefined;
  sessionTypes?: readonly SessionType[] | undefined;
  /** ISO 8601; sessions of this moment are in the list. */
  createdFrom?: string | undefined;
  /** ISO 8601; sessions of this moment are not. */
  createdBefore?: string | undefined;
  /** Words that the cue holds, as a web search takes them: `"a phrase"`, `or`, `-not`. */
  cueWords?: string | undefined;
}

export interface SessionListQuery extends SessionFilters {
  after?: SessionPosition | undefined;
  limit: number;
  sort: SessionSort;
}

/** The user's sessions in order; `next` is where the list goes on, or null at its end. */
export async function listSessions(
  em: EntityManager,
  query: SessionListQuery,
): Promise<{ rows: SessionRow[]; next: SessionPosition | null }> {
  const { sql, parameters } = listStatement(query);
  const rows = await em.execute<(SessionRow & { position: string })[]>(sql, parameters);
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const next = rows.length > query.limit && last ? { time: last.position, id: last.id } : null;
  return { rows: shown, next };
}

/** The statement of a list, with one row more than is shown. Only what is asked for stands in it, so that it is planned for that. */
export function listStatement({ after, limit, sort, ...filters }: SessionListQuery) {
  const descending = sort.startsWith('-');
  const column = sort.endsWith('createdAt') ? sortColumns.createdAt : sortColumns.completedAt;
  const order = descending ? 'desc' : 'asc';
  const conditions = [
    filters.statuses && "s.status = any(string_to_array(:statuses, ','))",
    filters.sessionTypes && "s.session_type = any(string_to_array(:sessionTypes, ','))",
    filters.createdFrom && 's.created_at >= :createdFrom::timestamptz',
    filters.createdBefore && 's.created_at < :createdBefore::timestamptz',
    filters.cueWords && 's.id in (select own_sessions_with_cue(:cueWords))',
    after && `(${column}, s.id) ${descending ? '<' : '>'} (:afterTime::timestamptz, :afterId::uuid)`,
  ].filter((condition) => condition !== undefined);
  const sql = `
    select ${sessionColumns}, ${column}::text as position
    from sessions s join session_states st on st.session_id = s.id
    ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
    order by ${column} ${order}, s.id ${order}
    limit :limit`;
  const parameters = {
    ...filters,
    statuses: filters.statuses?.join(','),
    sessionTypes: filters.sessionTypes?.join(','),
    afterTime: after?.time,
    afterId: after?.id,
    limit: limit + 1,
  };
  return { sql, parameters };
}

/** What of a session is changed; what is left out stays. */
export interface SessionRevision {
  id: string;
  cue?: string | undefined;
  metadata?: SessionMetadata | undefined;
  /** New content in object storage, where the change is not of the row alone. */
  content?: { key: string; hasImpressions: boolean };
  /** The content that the revision was made from; when another one came in between, nothing is written. */
  previousContentKey: string;
  /** The number of the newest event, where nothing at all may have come in between. */
  previousSeq?: number | undefined;
}

/**
 * Records a change while the session is still being recorded, and says what the row keeps now. Null when analysis has
 * begun or another change won.
 */
export async function reviseSession(
  em: EntityManager,
  { id, cue, metadata, content, previousContentKey, previousSeq }: SessionRevision,
): Promise<{ event: SessionEvent; kept: KeptContent } | null> {
  const [row] = await em.execute<(EventRow & KeptContent)[]>(
    // The session's row is locked first, as every step does: whoever locks its state first waits for each other.
    `with session as (
       select id from sessions where id = :id and status = 'created' for no key update
     ), state as (
       update session_states
       set content_key = coalesce(:contentKey, content_key),
           has_impressions = coalesce(:hasImpressions::boolean, has_impressions),
           last_seq = last_seq + 1, updated_at = now()
       from session
       where session_id = session.id and content_key = :previousContentKey
         and last_seq = coalesce(:previousSeq::int, last_seq)
       returning session_id, last_seq
     ), revised as (
       update sessions set cue = coalesce(:cue, cue), metadata = coalesce(:metadata::jsonb, metadata)
       from state
       where id = state.session_id
       returning cue, metadata
     ), event as (
       insert into session_events (session_id, seq, type, data)
       select session_id, last_seq, 'updated', :facts::jsonb from state
       returning seq, type, data, created_at
     )
     select event.*, revised.cue, revised.metadata from event, revised`,
    {
      id,
      previousContentKey,
      previousSeq: previousSeq ?? null,
      cue: cue ?? null,
      metadata: metadata === undefined ? null : JSON.stringify(metadata),
      contentKey: content?.key ?? null,
      hasImpressions: content?.hasImpressions ?? null,
      facts: JSON.stringify(recordingFacts),
    },
  );
  return row === undefined ? null : { event: eventOf(row), kept: { cue: row.cue, metadata: row.metadata } };
}

/** What an Idempotency-Key that was used before points at: the session, or the tombstone of a deleted one. */
export async function findState(
  em: EntityManager,
  sessionId: string,
): Promise<{ fingerprint: string; deleted: boolean } | null> {
  const [row] = await em.execute<{ fingerprint: string; deleted: boolean }[]>(
    `select fingerprint, deleted_at is not null as deleted from session_states where session_id = :sessionId`,
    { sessionId },
  );
  return row ?? null;
}

export interface ResultRow {
  id: string;
  resultType: ResultType;
  confidenceScore: number;
  data: AnalysisResult['data'];
  createdAt: Date | null | undefined;
}

/** The session's results; empty before its analysis is done. */
export async function findResults(em: EntityManager, sessionId: string): Promise<ResultRow[]> {
  return em.find(AnalysisResult, { session: sessionId }, { orderBy: { resultType: 'asc' } });
}

/** The session's events with a number greater than `after`, in order. */
export async function eventsAfter(em: EntityManager, sessionId: string, after: number): Promise<SessionEvent[]> {
  const rows = await em.find(SessionEventRow, { sessionId, seq: { $gt: after } }, { orderBy: { seq: 'asc' } });
  return rows.map(({ seq, type, data, createdAt }) => ({ seq, type, data, timestamp: createdAt.toISOString() }));
}

/**
 * The events that readers of these sessions have not seen yet, over all their owners, in order.
 * It takes the service's entity manager: the gateway asks for sessions whose readers it has already checked.
 */
export async function missedEvents(
  em: EntityManager,
  seen: ReadonlyMap<string, number>,
): Promise<{ sessionId: string; event: SessionEvent }[]> {
  if (seen.size === 0) return [];
  const rows = await em.execute<(EventRow & { session_id: string })[]>(
    `select e.session_id, e.seq, e.type, e.data, e.created_at
     from jsonb_each_text(:seen::jsonb) as reader (session_id, seq)
     join session_events e on e.session_id = reader.session_id::uuid and e.seq > reader.seq::int
     order by e.session_id, e.seq`,
    { seen: JSON.stringify(Object.fromEntries(seen)) },
  );
  return rows.map(({ session_id, ...row }) => ({ sessionId: session_id, event: eventOf(row) }));
}
