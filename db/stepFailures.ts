import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { rowsOfOwnSessions, timestamp } from './rowSecurity.ts';

/** Each attempt of a session's step that failed. Temporal keeps the newest failure of a step alone; operators want all. */
export const StepFailure = defineEntity({
  name: 'StepFailure',
  tableName: 'step_failures',
  indexes: [{ name: 'step_failures_session', properties: ['sessionId', 'at'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    sessionId: p.uuid(),
    step: p.string().length(50),
    attempt: p.integer(),
    /** The kind of the failure; never a driver's own words. */
    kind: p.string().length(100),
    /** Which worker made the attempt: its process and machine. */
    worker: p.string().length(200),
    at: timestamp().defaultRaw('now()'),
  },
  policies: [rowsOfOwnSessions('step_failures_owner')],
});
export type StepFailure = InferEntity<typeof StepFailure>;

export type NewStepFailure = Pick<StepFailure, 'sessionId' | 'step' | 'attempt' | 'kind' | 'worker'>;

/** One row for each attempt that failed. */
export async function insertStepFailure(em: EntityManager, failure: NewStepFailure): Promise<void> {
  await em.insert(StepFailure, failure);
}

/** The attempts of a session that failed, oldest first. */
export async function listStepFailures(em: EntityManager, sessionId: string, limit: number): Promise<StepFailure[]> {
  const newest = await em.find(StepFailure, { sessionId }, { orderBy: { at: 'desc', id: 'desc' }, limit });
  return newest.reverse();
}
