import { insertAuditEntry } from '../db/auditEntries.ts';
import type { Database } from '../db/database.ts';
import { setPaused } from '../db/models.ts';
import type { Actor } from '../domain/operations.ts';
import type { SessionType } from '../domain/session.ts';
import type { QueueName } from '../domain/taskQueues.ts';
import type { SessionCache } from '../integrations/sessionCache.ts';
import type { WorkflowClient } from '../temporal/client.ts';

/*
 * The maintenance switches: while a queue or a model is paused, what needs it waits and nothing fails. What is under way
 * comes to its end. Each may be pressed twice, and is written down once.
 */

interface QueueDeps {
  database: Database;
  workflows: Pick<WorkflowClient, 'queues'>;
}

interface ModelDeps {
  database: Database;
  cache: SessionCache;
}

/** Who presses a switch, and why. */
export interface Order {
  by: Actor;
  reason: string;
}

/** Has everything wait that the queue would hand out. */
export async function pauseQueue({ database, workflows }: QueueDeps, queue: QueueName, order: Order): Promise<void> {
  const { paused } = await workflows.queues.state(queue);
  if (paused !== null) return;
  await workflows.queues.pause(queue, { reason: order.reason, by: nameOf(order.by) });
  await insertAuditEntry(database.asService(), { action: 'pause', outcome: 'done', ...order, details: { queue } });
}

/** Lets a queue that is paused go on. */
export async function resumeQueue({ database, workflows }: QueueDeps, queue: QueueName, order: Order): Promise<void> {
  const { paused } = await workflows.queues.state(queue);
  if (paused === null) return;
  await workflows.queues.resume(queue, { reason: order.reason, by: nameOf(order.by) });
  await insertAuditEntry(database.asService(), { action: 'resume', outcome: 'done', ...order, details: { queue } });
}

/**
 * Has the sessions of a model wait, or lets them go on; workers follow within seconds. A session that waits looks again
 * after as long as it has waited, at most every five minutes.
 *
 * @throws UnfitVersionError when nothing of that model is registered
 */
export async function switchModel(
  { database, cache }: ModelDeps,
  model: SessionType,
  { paused, by, reason }: Order & { paused: boolean },
): Promise<void> {
  const em = database.asService();
  const author = 'userId' in by ? { by: by.userId } : {};
  if (!(await setPaused(em, { name: model, paused, reason, ...author }))) return;
  const action = paused ? 'pause' : 'resume';
  await insertAuditEntry(em, { action, outcome: 'done', by, reason, details: { model } });
  await cache.cacheEntry('activeModels').forget();
}

function nameOf(by: Actor): string {
  return 'userId' in by ? by.userId : by.command;
}
