import pMap from 'p-map';
import type { Database } from '../db/database.ts';
import { recordStuckSessions, type FoundStuck } from '../db/stuckSessions.ts';
import { observedQueues, stuckLimits, troubleOf, type StuckLimits } from '../domain/stuck.ts';
import type { Logger } from '../observability/logger.ts';
import type { WorkflowClient } from '../temporal/client.ts';
import type { FoundSession } from '../temporal/observer.ts';

export interface StuckDeps {
  database: Database;
  workflows: Pick<WorkflowClient, 'openSessions' | 'describeSession' | 'queues'>;
  logger: Logger;
}

/** How many sessions are looked at side by side. */
const atOnce = 20;

/**
 * Looks at every open session that does not wait for its person, and writes down which of them are stuck, and why.
 * `onProgress` is called with how many were looked at.
 */
export async function findStuckSessions(
  { database, workflows, logger }: StuckDeps,
  { limits = stuckLimits, onProgress }: { limits?: StuckLimits; onProgress?: (lookedAt: number) => void } = {},
): Promise<{ lookedAt: number; stuck: number }> {
  const now = new Date();
  const queues = observedQueues(await workflows.queues.states());
  const soonestMs = Math.min(limits.unpolledMs, ...Object.values(limits.stepMs));
  let lookedAt = 0;

  async function look(session: FoundSession): Promise<FoundStuck | null> {
    const stuck = await stuckAs(session);
    lookedAt += 1;
    onProgress?.(lookedAt);
    return stuck;
  }

  async function stuckAs(session: FoundSession): Promise<FoundStuck | null> {
    const { sessionId, userId, sessionType, tier, parked } = session;
    const facts = { sessionId, userId, sessionType, tier };
    if (parked !== null) return { ...facts, reason: 'gave_up', code: parked.code, step: parked.step, attempts: 0 };
    const run = await workflows.describeSession(sessionId);
    if (run?.status !== 'RUNNING') return null;
    const trouble = troubleOf(run, queues, now, limits);
    return trouble && { ...facts, ...trouble, code: null };
  }

  const open = workflows.openSessions(new Date(now.getTime() - soonestMs));
  const found = (await pMap(open, look, { concurrency: atOnce })).filter((stuck) => stuck !== null);

  await recordStuckSessions(database.asService(), found, lookedAt);
  if (found.length > 0) logger.warn({ stuck: found.length, lookedAt }, 'there are stuck sessions');
  return { lookedAt, stuck: found.length };
}
