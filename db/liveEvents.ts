import type { EntityManager } from '@mikro-orm/postgresql';
import type { SessionStatus } from '../domain/session.ts';

/** What the live connections ask PostgreSQL, beside the events themselves. */

/**
 * How far back a look at what is new goes beyond the one before: an event has the time at which its transaction began,
 * and none that writes one is open longer.
 */
export const lateCommitMs = 10_000;

/** How long ago a session ended that a look can still find, with all the time that looks may have failed before it. */
const endedLatelyMs = 60_000;

export interface ChangedSession {
  sessionId: string;
  userId: string;
  lastSeq: number;
}

/**
 * The sessions, over all owners, that had an event within the last milliseconds. What it costs follows from how much
 * happened, not from how many are watched. It takes the service's entity manager: nothing of it reaches a client
 * whose right to it was not checked.
 */
export function sessionsChangedWithin(em: EntityManager, windowMs: number): Promise<ChangedSession[]> {
  return em.execute<ChangedSession[]>(
    `select session_id as "sessionId", user_id as "userId", last_seq as "lastSeq"
     from session_states
     where session_id in (
       select session_id from session_events where created_at > now() - :windowMs * interval '1 millisecond')`,
    { windowMs: Math.ceil(windowMs) },
  );
}

/** The newest event's number of each of the user's sessions that can still have events, or had one just now. */
export function sessionsGoingOn(
  em: EntityManager,
  { userId, limit }: { userId: string; limit: number },
): Promise<{ sessionId: string; status: SessionStatus; lastSeq: number }[]> {
  return em.execute(
    `select s.id as "sessionId", s.status, st.last_seq as "lastSeq"
     from sessions s join session_states st on st.session_id = s.id
     where s.user_id = :userId
       and (s.completed_at is null or st.updated_at > now() - :endedLatelyMs * interval '1 millisecond')
     order by st.updated_at desc
     limit :limit`,
    { userId, limit, endedLatelyMs },
  );
}
