import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Act, ActionOutcome, Actor, BulkState } from '../domain/operations.ts';
import { isoUtc } from './isoUtc.ts';
import { timestamp } from './rowSecurity.ts';
import { listForOperators, operatorsSelection, type OperatorsFilters, type OperatorsRow } from './stuckSessions.ts';

/** What operators have done to many sessions at once. How far it came is what the audit has of it. */
export const BulkAction = defineEntity({
  name: 'BulkAction',
  tableName: 'bulk_actions',
  indexes: [{ name: 'bulk_actions_newest', properties: ['startedAt', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    act: p.json().$type<Act>(),
    /** A session that they no longer fit when its turn comes is left alone. */
    filters: p.json().$type<OperatorsFilters>(),
    reason: p.text(),
    /** The most sessions a second. */
    perSecond: p.integer(),
    state: p.string().$type<BulkState>().length(20).default('running'),
    startedAt: timestamp().defaultRaw('now()'),
    endedAt: timestamp().nullable(),
    /** The operator's account; null when a command did it. */
    byUser: p.uuid().nullable(),
    /** Who ran the command, as `user@machine`; null when an account did it. */
    byCommand: p.string().length(200).nullable(),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type BulkAction = InferEntity<typeof BulkAction>;

/** The sessions that an action in bulk is about: those that it found when it was started. */
export const BulkActionSession = defineEntity({
  name: 'BulkActionSession',
  tableName: 'bulk_action_sessions',
  properties: {
    bulk: () =>
      p.manyToOne(BulkAction).mapToPk().fieldName('bulk_id').primary().deleteRule('cascade').updateRule('no action'),
    sessionId: p.uuid().primary(),
    /** When its turn first came. That it is through stands in the audit. */
    begunAt: timestamp().nullable(),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type BulkActionSession = InferEntity<typeof BulkActionSession>;

export interface NewBulkAction {
  id: string;
  act: Act;
  filters: OperatorsFilters;
  reason: string;
  perSecond: number;
  by: Actor;
}

/** Writes it down together with the sessions that it is about, and says how many these are. */
export async function insertBulkAction(em: EntityManager, { by, ...action }: NewBulkAction): Promise<number> {
  const actor = 'userId' in by ? { byUser: by.userId } : { byCommand: by.command };
  await em.insert(BulkAction, { ...action, ...actor });
  const { sql, parameters } = operatorsSelection(action.filters);
  const [row] = await em.execute<{ count: number }[]>(
    `with chosen as (
       insert into bulk_action_sessions (bulk_id, session_id) select :bulkId::uuid, id ${sql} returning session_id
     )
     select count(*)::int as count from chosen`,
    { ...parameters, bulkId: action.id },
  );
  return row?.count ?? 0;
}

/** How many sessions the filters choose, and the newest of them. */
export async function previewBulkAction(
  em: EntityManager,
  filters: OperatorsFilters,
  limit: number,
): Promise<{ count: number; sessions: OperatorsRow[] }> {
  const { sql, parameters } = operatorsSelection(filters);
  const [row] = await em.execute<{ count: number }[]>(`select count(*)::int as count ${sql}`, parameters);
  const { rows } = await listForOperators(em, { ...filters, limit });
  return { count: row?.count ?? 0, sessions: rows };
}

/** An action in bulk, and how far it came. */
export interface BulkProgress {
  id: string;
  act: Act;
  reason: string;
  perSecond: number;
  state: BulkState;
  /** ISO 8601, UTC. */
  startedAt: string;
  endedAt: string | null;
  byUser: string | null;
  byCommand: string | null;
  sessions: number;
  /** Sessions whose turn has come, by how it ended. */
  done: number;
  refused: number;
  failed: number;
}

const outcomeCount = (outcome: ActionOutcome) =>
  `(select count(*)::int from audit_entries where bulk_id = b.id and outcome = '${outcome}') as ${outcome}`;

const progressOf = `
  select b.id, b.act, b.reason, b.per_second as "perSecond", b.state, ${isoUtc('b.started_at')} as "startedAt",
    ${isoUtc('b.ended_at')} as "endedAt", b.by_user as "byUser", b.by_command as "byCommand",
    (select count(*)::int from bulk_action_sessions where bulk_id = b.id) as sessions,
    ${outcomeCount('done')}, ${outcomeCount('refused')}, ${outcomeCount('failed')}
  from bulk_actions b`;

/** Null when there is no such action. */
export async function readBulkProgress(em: EntityManager, id: string): Promise<BulkProgress | null> {
  const [row] = await em.execute<BulkProgress[]>(`${progressOf} where b.id = :id`, { id });
  return row ?? null;
}

/** The newest actions in bulk. */
export async function listBulkProgress(em: EntityManager, limit: number): Promise<BulkProgress[]> {
  return em.execute<BulkProgress[]>(`${progressOf} order by b.started_at desc, b.id desc limit :limit`, { limit });
}

/** Null when there is no such action. */
export async function readBulkAction(em: EntityManager, id: string): Promise<BulkAction | null> {
  return em.findOne(BulkAction, { id });
}

const leftInBulk = `
  from bulk_action_sessions b
  where bulk_id = :bulkId
    and not exists (select from audit_entries a where a.bulk_id = b.bulk_id and a.session_id = b.session_id)`;

/** The sessions whose turn is next. */
export async function nextInBulk(em: EntityManager, bulkId: string, limit: number): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select session_id as id ${leftInBulk} order by session_id limit :limit`,
    { bulkId, limit },
  );
  return rows.map(({ id }) => id);
}

/** How many sessions' turn has not come. */
export async function countLeftInBulk(em: EntityManager, bulkId: string): Promise<number> {
  const [row] = await em.execute<{ count: number }[]>(`select count(*)::int as count ${leftInBulk}`, { bulkId });
  return row?.count ?? 0;
}

/** Writes down that a session's turn has come, and says whether it had before: a worker may have died on it. */
export async function beginInBulk(em: EntityManager, bulkId: string, sessionId: string): Promise<boolean> {
  const rows = await em.execute(
    `update bulk_action_sessions set begun_at = now()
     where bulk_id = :bulkId and session_id = :sessionId and begun_at is null returning session_id`,
    { bulkId, sessionId },
  );
  return rows.length === 0;
}

/** Whether a session's turn has come. */
export async function isBegunInBulk(em: EntityManager, bulkId: string, sessionId: string): Promise<boolean> {
  const rows = await em.execute(
    `select session_id from bulk_action_sessions
     where bulk_id = :bulkId and session_id = :sessionId and begun_at is not null`,
    { bulkId, sessionId },
  );
  return rows.length > 0;
}

/** Whether the session still is what the filters choose. */
export async function isStillChosen(em: EntityManager, sessionId: string, filters: OperatorsFilters): Promise<boolean> {
  const { rows } = await listForOperators(em, { ...filters, ids: [sessionId], limit: 1 });
  return rows.length > 0;
}

/** Ends it, unless it has ended before. */
export async function endBulkAction(em: EntityManager, id: string, state: 'stopped' | 'completed'): Promise<void> {
  await em.execute(`update bulk_actions set state = :state, ended_at = now() where id = :id and state = 'running'`, {
    id,
    state,
  });
}
