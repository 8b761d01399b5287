import { insertAuditEntry } from '../db/auditEntries.ts';
import type { Database } from '../db/database.ts';
import { setPaused } from '../db/models.ts';
import type { Actor } from '../domain/operations.ts';
import type { SessionType } from '../domain/session.ts';
import type { QueueName } from '../domain/taskQueues.ts';
import type { SessionCache } from '../integrations/sessionCache.ts';
import type { WorkflowClient } from '../temporal/client.ts';
import { audited } from './audited.ts';

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
interface Order {
  by: Actor;
  reason: string;
}

/** Has everything wait that the queue would hand out. */
export async function pauseQueue({ database, workflows }: QueueDeps, queue: QueueName, order: Order): Promise<void> {
  const { paused } = await workflows.queues.state(queue);
  if (paused !== null) return;
  const why = { reason: order.reason, by: nameOf(order.by) };
  await audited(database, { action: 'pause', ...order, details: { queue } }, () => workflows.queues.pause(queue, why));
}

/** Lets a queue that is paused go on. */
export async function resumeQueue({ database, workflows }: QueueDeps, queue: QueueName, order: Order): Promise<void> {
  const { paused } = await workflows.queues.state(queue);
  if (paused === null) return;
  const why = { reason: order.reason, by: nameOf(order.by) };
  await audited(database, { action: 'resume', ...order, details: { queue } }, () =>
    workflows.queues.resume(queue, why),
  );
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
  const author = 'userId' in by ? { by: by.userId } : {};
  const action = paused ? 'pause' : 'resume';
  const isChanged = await database.asService().transactional(async (em) => {
    if (!(await setPaused(em, { name: model, paused, reason, ...author }))) return false;
    await insertAuditEntry(em, { action, outcome: 'done', by, reason, details: { model } });
    return true;
  });
  if (isChanged) await cache.cacheEntry('activeModels').forget();
}

function nameOf(by: Actor): string {
  return 'userId' in by ? by.userId : by.command;
}
