import { randomUUID } from 'node:crypto';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ActionOutcome, Actor, OperatorAction } from '../domain/operations.ts';
import { timestamp } from './rowSecurity.ts';

/** What operators did: one row an action and session; once its outcome is known it is never altered. It outlives the session. */
export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_entries',
  indexes: [
    { name: 'audit_entries_session', properties: ['sessionId', 'at'] },
    { name: 'audit_entries_newest', properties: ['at', 'id'] },
  ],
  uniques: [{ name: 'audit_entries_once_in_bulk', properties: ['bulkId', 'sessionId'] }],
  properties: {
    id: p.uuid().primary(),
    at: timestamp().defaultRaw('now()'),
    action: p.string().$type<OperatorAction>().length(50),
    outcome: p.string().$type<ActionOutcome>().length(20),
    /** Null where it was about no session. */
    sessionId: p.uuid().nullable(),
    /** The operator's account; null when a command did it. */
    byUser: p.uuid().nullable(),
    /** Who ran the command, as `user@machine`; null when an account did it. */
    byCommand: p.string().length(200).nullable(),
    reason: p.text().nullable(),
    /** Small facts: the step, the queue, the version. Never content. */
    details: p.json().$type<AuditDetails>().nullable(),
    /** Of an action in bulk: which one. */
    bulkId: p.uuid().nullable(),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type AuditEntry = InferEntity<typeof AuditEntry>;

export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface NewAuditEntry {
  action: OperatorAction;
  outcome: ActionOutcome;
  by: Actor;
  sessionId?: string;
  reason?: string;
  details?: AuditDetails;
  bulkId?: string;
}

/** Writes down what an operator did. An action in bulk is written once for each session, however often it is tried. */
export async function insertAuditEntry(em: EntityManager, entry: NewAuditEntry): Promise<void> {
  const row = { ...rowOf(entry), id: randomUUID(), outcome: entry.outcome };
  await em.upsert(AuditEntry, row, { onConflictFields: ['bulkId', 'sessionId'], onConflictAction: 'ignore' });
}

/** Writes down what an operator is about to do, and says by which id what comes of it is written down. */
export async function beginAuditEntry(em: EntityManager, entry: Omit<NewAuditEntry, 'outcome'>): Promise<string> {
  const id = randomUUID();
  await em.insert(AuditEntry, { ...rowOf(entry), id, outcome: 'begun' });
  return id;
}

/** Writes down what came of it. */
export async function settleAuditEntry(
  em: EntityManager,
  id: string,
  { outcome, details }: Required<Pick<NewAuditEntry, 'outcome' | 'details'>>,
): Promise<void> {
  await em.nativeUpdate(AuditEntry, { id, outcome: 'begun' }, { outcome, details });
}

function rowOf({ by, ...entry }: Omit<NewAuditEntry, 'outcome'>) {
  const { action, sessionId = null, reason = null, details = null, bulkId = null } = entry;
  const actor = 'userId' in by ? { byUser: by.userId, byCommand: null } : { byUser: null, byCommand: by.command };
  return { action, sessionId, reason, details, bulkId, ...actor };
}

/** What was done about a session, newest first. */
export async function listAuditOf(em: EntityManager, sessionId: string, limit: number): Promise<AuditEntry[]> {
  return em.find(AuditEntry, { sessionId }, { orderBy: { at: 'desc', id: 'desc' }, limit });
}

export interface AuditQuery {
  sessionId?: string | undefined;
  bulkId?: string | undefined;
  after?: { time: string; id: string } | undefined;
  limit: number;
}

/** What was done, newest first, and where the list goes on. */
export async function listAudit(
  em: EntityManager,
  { sessionId, bulkId, after, limit }: AuditQuery,
): Promise<{ rows: AuditEntry[]; next: { time: string; id: string } | null }> {
  const conditions = [
    sessionId && 'session_id = :sessionId',
    bulkId && 'bulk_id = :bulkId',
    after && '(at, id) < (:afterTime::timestamptz, :afterId::uuid)',
  ].filter((condition) => condition !== undefined);
  const rows = await em.execute<{ id: string; position: string }[]>(
    `select *, at::text as position from audit_entries
     ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
     order by at desc, id desc limit :limit`,
    { sessionId, bulkId, afterTime: after?.time, afterId: after?.id, limit: limit + 1 },
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    rows: shown.map((row) => em.map(AuditEntry, row)),
    next: rows.length > limit && last ? { time: last.position, id: last.id } : null,
  };
}
