import type { QueueName } from '../domain/taskQueues.ts';
import type { Logger } from '../observability/logger.ts';
import type { Queues } from '../temporal/queues.ts';
import { follow, type Following } from './following.ts';

/** Knows whether an operator paused a queue. */
export interface Pausing extends Following {
  isPaused: () => boolean;
}

/**
 * Follows whether a queue is paused. Temporal itself hands nothing out of a queue that is; this is for what never comes
 * through the queue, since the server gives a worker the next step of its own workflow at once.
 */
export async function followPausing(queues: Pick<Queues, 'state'>, queue: QueueName, logger: Logger): Promise<Pausing> {
  let isPaused = false;

  async function read(): Promise<void> {
    const { paused } = await queues.state(queue);
    if ((paused !== null) !== isPaused) logger.info({ queue }, isPaused ? 'the queue goes on' : 'the queue is paused');
    isPaused = paused !== null;
  }

  return { isPaused: () => isPaused, ...(await follow(read, 'whether the queue is paused', logger)) };
}
