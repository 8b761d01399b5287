import { setTimeout as wait } from 'node:timers/promises';
import type { QueueName } from '../domain/taskQueues.ts';
import { secondMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import type { Queues } from '../temporal/queues.ts';

/** Knows whether an operator paused a queue. */
export interface Pausing {
  isPaused: () => boolean;
  close(): Promise<void>;
}

/** How soon a pause is followed. */
const readEveryMs = 2 * secondMs;

/**
 * Follows whether a queue is paused. Temporal itself hands nothing out of a queue that is; this is for what never comes
 * through the queue, since the server gives a worker the next step of its own workflow at once.
 */
export async function followPausing(queues: Pick<Queues, 'state'>, queue: QueueName, logger: Logger): Promise<Pausing> {
  const stopped = new AbortController();
  let paused = false;
  let failing = false;

  async function follow(): Promise<void> {
    try {
      const state = await queues.state(queue);
      if ((state.paused !== null) !== paused)
        logger.info({ queue }, paused ? 'the queue goes on' : 'the queue is paused');
      paused = state.paused !== null;
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ queue, error }, 'whether the queue is paused could not be read; it stays as it was');
      failing = true;
    }
  }

  async function keepFollowing(): Promise<void> {
    while (await wait(readEveryMs, true, { signal: stopped.signal }).catch(() => false)) await follow();
  }

  await follow();
  const following = keepFollowing();
  return {
    isPaused: () => paused,
    async close() {
      stopped.abort();
      await following;
    },
  };
}
