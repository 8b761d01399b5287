import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SessionStatus, SessionStep, SessionType, StuckCode } from '../domain/session.ts';
import type { ObservedStep, StuckReason } from '../domain/stuck.ts';
import type { Tier } from '../domain/tiers.ts';
import { isoUtc } from './isoUtc.ts';
import { timestamp } from './rowSecurity.ts';

/**
 * Sessions that the newest search found stuck, and when that was. A session may be stuck before it has a row of its own,
 * so what is shown of it stands here, too.
 */
export const StuckSession = defineEntity({
  name: 'StuckSession',
  tableName: 'stuck_sessions',
  properties: {
    sessionId: p.uuid().primary(),
    userId: p.uuid(),
    sessionType: p.string().$type<SessionType>().length(50),
    tier: p.string().$type<Tier>().length(50),
    reason: p.string().$type<StuckReason>().length(30),
    /** Why its step gave up; null where none did. */
    code: p.string().$type<StuckCode>().length(30).nullable(),
    /** Null where the workflow itself is stuck. */
    step: p.string().$type<ObservedStep>().length(20).nullable(),
    attempts: p.integer(),
    /** When a search first found it so. */
    since: timestamp().defaultRaw('now()'),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type StuckSession = InferEntity<typeof StuckSession>;

/** When stuck sessions were last searched for: one row. */
export const StuckSearch = defineEntity({
  name: 'StuckSearch',
  tableName: 'stuck_searches',
  properties: {
    id: p.integer().primary().autoincrement(false),
    finishedAt: timestamp(),
    sessionsLookedAt: p.integer(),
  },
});
export type StuckSearch = InferEntity<typeof StuckSearch>;

export type FoundStuck = Omit<StuckSession, 'since' | 'code'> & { code: StuckCode | null };

/** Replaces what the search before found; who was stuck for the same reason then is so since then. */
export async function recordStuckSessions(
  em: EntityManager,
  found: readonly FoundStuck[],
  sessionsLookedAt: number,
): Promise<void> {
  await em.execute(
    `with found as (
       select * from jsonb_to_recordset(:found::jsonb) as f (
         session_id uuid, user_id uuid, session_type text, tier text, reason text, code text, step text, attempts int)
     ), gone as (
       delete from stuck_sessions where session_id not in (select session_id from found)
     ), kept as (
       insert into stuck_sessions (session_id, user_id, session_type, tier, reason, code, step, attempts)
       select * from found
       on conflict (session_id) do update set
         since = case when stuck_sessions.reason = excluded.reason then stuck_sessions.since else now() end,
         reason = excluded.reason, code = excluded.code, step = excluded.step, attempts = excluded.attempts
     )
     insert into stuck_searches (id, finished_at, sessions_looked_at) values (1, now(), :sessionsLookedAt)
     on conflict (id) do update
       set finished_at = excluded.finished_at, sessions_looked_at = excluded.sessions_looked_at`,
    {
      sessionsLookedAt,
      found: JSON.stringify(
        found.map((one) => ({
          session_id: one.sessionId,
          user_id: one.userId,
          session_type: one.sessionType,
          tier: one.tier,
          reason: one.reason,
          code: one.code,
          step: one.step,
          attempts: one.attempts,
        })),
      ),
    },
  );
}

/** When stuck sessions were last searched for; null before the first search. */
export async function lastSearch(em: EntityManager): Promise<StuckSearch | null> {
  return em.findOne(StuckSearch, { id: 1 });
}

/** A session as operators see it: how it stands, and nothing of what it says. */
export interface OperatorsRow {
  id: string;
  userId: string;
  sessionType: SessionType;
  tier: Tier;
  status: SessionStatus;
  step: SessionStep | null;
  /** ISO 8601, UTC. Of one that has no row yet, when it was found stuck. */
  createdAt: string;
  stuck: OperatorsStuck | null;
}

export interface OperatorsStuck {
  reason: StuckReason;
  code: StuckCode | null;
  step: ObservedStep | null;
  attempts: number | null;
  /** ISO 8601, UTC. */
  since: string;
}

export interface OperatorsFilters {
  stuck?: boolean | undefined;
  reasons?: readonly StuckReason[] | undefined;
  codes?: readonly StuckCode[] | undefined;
  statuses?: readonly SessionStatus[] | undefined;
  steps?: readonly ObservedStep[] | undefined;
  sessionTypes?: readonly SessionType[] | undefined;
  tiers?: readonly Tier[] | undefined;
  userId?: string | undefined;
  ids?: readonly string[] | undefined;
}

export interface OperatorsQuery extends OperatorsFilters {
  after?: { time: string; id: string } | undefined;
  limit: number;
}

/**
 * Every session, with what is wrong with it. A parked one is stuck the moment it parks; the search tells of the others.
 * What the search says of a session that has come to its end meanwhile does not count any more.
 */
const operatorsRows = `
  select coalesce(s.id, found.session_id) as id,
    coalesce(s.user_id, found.user_id) as user_id,
    coalesce(s.session_type, found.session_type) as session_type,
    coalesce(u.tier, found.tier) as tier,
    coalesce(s.status, 'pending') as status,
    st.step,
    coalesce(s.created_at, found.since) as created_at,
    case when st.stuck is not null then 'gave_up' else found.reason end as reason,
    coalesce(st.stuck->>'code', found.code) as code,
    case when st.stuck is not null then st.stuck->>'step' else found.step end as stuck_step,
    case when st.stuck is not null then null else found.attempts end as attempts,
    coalesce((st.stuck->>'since')::timestamptz, found.since) as since
  from (sessions s join session_states st on st.session_id = s.id join users u on u.id = s.user_id)
  full join stuck_sessions found on found.session_id = s.id`;

/** A session that has ended is not stuck, and one that was deleted is not there. */
const isStuck = `(reason is not null and status not in ('completed', 'failed', 'cancelled', 'expired')
  and not exists (select from session_states d where d.session_id = row.id and d.deleted_at is not null))`;

/** What follows the columns of a statement about the sessions that the filters choose. */
export function operatorsSelection(filters: OperatorsFilters): { sql: string; parameters: object } {
  const conditions = [
    filters.stuck === true && isStuck,
    filters.stuck === false && `not ${isStuck}`,
    filters.reasons && `${isStuck} and reason = any(string_to_array(:reasons, ','))`,
    filters.codes && `${isStuck} and code = any(string_to_array(:codes, ','))`,
    filters.statuses && `status = any(string_to_array(:statuses, ','))`,
    filters.steps && `coalesce(stuck_step, step) = any(string_to_array(:steps, ','))`,
    filters.sessionTypes && `session_type = any(string_to_array(:sessionTypes, ','))`,
    filters.tiers && `tier = any(string_to_array(:tiers, ','))`,
    filters.userId && `user_id = :userId`,
    filters.ids && `id = any(string_to_array(:ids, ',')::uuid[])`,
  ].filter((condition) => typeof condition === 'string');
  return {
    sql: `from (${operatorsRows}) as row where ${['true', ...conditions].join(' and ')}`,
    parameters: {
      reasons: filters.reasons?.join(','),
      codes: filters.codes?.join(','),
      statuses: filters.statuses?.join(','),
      steps: filters.steps?.join(','),
      sessionTypes: filters.sessionTypes?.join(','),
      tiers: filters.tiers?.join(','),
      userId: filters.userId,
      ids: filters.ids?.join(','),
    },
  };
}

/** Sessions of everybody, newest first, with one more than is shown. */
export async function listForOperators(
  em: EntityManager,
  { after, limit, ...filters }: OperatorsQuery,
): Promise<{ rows: OperatorsRow[]; next: { time: string; id: string } | null }> {
  const { sql, parameters } = operatorsSelection(filters);
  const found = await em.execute<(FlatRow & { position: string })[]>(
    `select id, user_id as "userId", session_type as "sessionType", tier, status, step,
       ${isoUtc('created_at')} as "createdAt", ${isStuck} as "isStuck", reason, code, stuck_step as "stuckStep", attempts,
       ${isoUtc('since')} as since, created_at::text as position
     ${sql}
     ${after ? `and (created_at, id) < (:afterTime::timestamptz, :afterId::uuid)` : ''}
     order by created_at desc, id desc
     limit :limit`,
    { ...parameters, afterTime: after?.time, afterId: after?.id, limit: limit + 1 },
  );
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    rows: shown.map(operatorsRowOf),
    next: found.length > limit && last ? { time: last.position, id: last.id } : null,
  };
}

interface FlatRow extends Omit<OperatorsRow, 'stuck'> {
  isStuck: boolean;
  reason: StuckReason | null;
  code: StuckCode | null;
  stuckStep: ObservedStep | null;
  attempts: number | null;
  since: string | null;
}

function operatorsRowOf({
  isStuck: stuckNow,
  reason,
  code,
  stuckStep,
  attempts,
  since,
  ...row
}: FlatRow): OperatorsRow {
  const { id, userId, sessionType, tier, status, step, createdAt } = row;
  const stuck =
    stuckNow && reason !== null && since !== null ? { reason, code, step: stuckStep, attempts, since } : null;
  return { id, userId, sessionType, tier, status, step, createdAt, stuck };
}

/** How many sessions are stuck for each reason. */
export async function countStuck(em: EntityManager): Promise<{ reason: StuckReason; count: number }[]> {
  return em.execute(
    `select reason, count(*)::int as count from (
       ${operatorsRows}
       where st.stuck is not null or found.session_id is not null
     ) as row
     where ${isStuck}
     group by reason`,
  );
}
