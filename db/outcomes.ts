import type { EntityManager } from '@mikro-orm/postgresql';
import type { KeptContent } from '../domain/content.ts';
import type { OutcomeOf } from '../domain/outcomes.ts';
import type { Scorecard } from '../domain/scoring.ts';
import type { SessionType } from '../domain/session.ts';
import { isoUtc } from './isoUtc.ts';

/** What turned out to be true of a session, and what the session scored by it. */
export interface OutcomeRecord {
  outcome: OutcomeOf<SessionType>;
  scorecard: Scorecard;
  /** When it turned out to be true. ISO 8601, UTC. */
  knownAt: string;
  recordedAt: string;
  recordedBy: string;
}

export interface NewOutcome extends Omit<OutcomeRecord, 'recordedAt'> {
  sessionId: string;
}

const outcomeColumns = `
  outcome, scorecard, ${isoUtc('known_at')} as "knownAt", ${isoUtc('recorded_at')} as "recordedAt",
  recorded_by as "recordedBy"`;

/**
 * Stores an outcome unless the session has one, as one statement: the primary key lets one of many win. What comes back
 * is what is recorded then, and whether that is the `same` outcome; null when the session is gone.
 */
export async function recordOutcome(
  em: EntityManager,
  { outcome, scorecard, ...given }: NewOutcome,
): Promise<(OutcomeRecord & { same: boolean }) | null> {
  const parameters = { ...given, outcome: JSON.stringify(outcome), scorecard: JSON.stringify(scorecard) };
  await em.execute(
    `insert into outcomes (session_id, outcome, scorecard, known_at, recorded_by)
     select id, :outcome::jsonb, :scorecard::jsonb, :knownAt::timestamptz, :recordedBy::uuid
     from sessions where id = :sessionId
     on conflict do nothing`,
    parameters,
  );
  const [row] = await em.execute<(OutcomeRecord & { same: boolean })[]>(
    `select ${outcomeColumns}, outcome = :outcome::jsonb as same from outcomes where session_id = :sessionId`,
    parameters,
  );
  return row ?? null;
}

/** Null when nothing is recorded. */
export async function findOutcome(em: EntityManager, sessionId: string): Promise<OutcomeRecord | null> {
  const [row] = await em.execute<OutcomeRecord[]>(
    `select ${outcomeColumns} from outcomes where session_id = :sessionId`,
    { sessionId },
  );
  return row ?? null;
}

/** What each of the user's sessions scored, oldest outcome first. */
export async function listScorecards(em: EntityManager): Promise<{ sessionType: SessionType; scorecard: Scorecard }[]> {
  return em.execute(
    `select s.session_type as "sessionType", o.scorecard
     from outcomes o join sessions s on s.id = o.session_id
     order by o.recorded_at, s.id`,
  );
}

/** A session that a person lets models learn from, and what turned out to be true of it. */
export interface ConsentedOutcome<T extends SessionType> extends KeptContent {
  sessionId: string;
  /** Where the sealed content lies in object storage. */
  contentKey: string;
  outcome: OutcomeOf<T>;
}

/**
 * Sessions of a type whose owners agreed to it (`metadata.training_consent`) and whose outcome is known, in the order of
 * their ids, after the one that is named; null for the first. It takes the service's entity manager.
 */
export async function consentedOutcomes<T extends SessionType>(
  em: EntityManager,
  sessionType: T,
  after: string | null,
  limit: number,
): Promise<ConsentedOutcome<T>[]> {
  return em.execute<ConsentedOutcome<T>[]>(
    `select s.id as "sessionId", st.content_key as "contentKey", s.cue, s.metadata, o.outcome
     from outcomes o
     join sessions s on s.id = o.session_id
     join session_states st on st.session_id = s.id
     where s.session_type = :sessionType and s.metadata -> 'training_consent' = 'true'::jsonb
       and st.deleted_at is null and (:after::uuid is null or s.id > :after::uuid)
     order by s.id
     limit :limit`,
    { sessionType, after, limit },
  );
}
