import { ApiError } from '../domain/errors.ts';
import { estimatedWaitSeconds, taskQueues, type QueueState } from '../domain/taskQueues.ts';
import { minuteMs, secondMs } from '../domain/time.ts';
import type { Tier } from '../domain/tiers.ts';
import type { SystemConfigReader } from '../integrations/systemConfig.ts';
import type { Logger } from '../observability/logger.ts';
import type { WorkflowClient } from '../temporal/client.ts';

/** Whether there is room for what is asked for, by what Temporal said of its queues a moment ago. */
export interface Capacity {
  /** @throws ApiError `paused` while no session can be created, since the queue that it takes is paused */
  requireOpen(): void;
  /** @throws ApiError `queue_full` when an analysis would wait longer than the limit */
  requireRoom(person: { userId: string; tier: Tier }): Promise<void>;
}

interface CapacityDeps {
  workflows: Pick<WorkflowClient, 'queues' | 'priorityKeyOf'>;
  systemConfig: SystemConfigReader;
  logger: Logger;
}

const freshMs = secondMs;
/** What is older than this says nothing any more. */
const goodMs = 15 * secondMs;

/**
 * No request waits for Temporal: each goes by the last answer, and the first after a second has it asked anew behind
 * its back. Where nothing is known, because Temporal does not answer or nobody asked lately, everything passes.
 */
export function createCapacity({ workflows, systemConfig, logger }: CapacityDeps): Capacity {
  let known: { states: readonly QueueState[]; atMs: number } | undefined;
  let underWay = false;

  async function renew(): Promise<void> {
    underWay = true;
    try {
      known = { states: await workflows.queues.states(), atMs: Date.now() };
    } catch (error) {
      logger.warn({ error }, 'how long the queues are could not be read; what is asked for passes');
    } finally {
      underWay = false;
    }
  }

  function stateOf(wanted: QueueState['queue']): QueueState | undefined {
    const ageMs = known === undefined ? Infinity : Date.now() - known.atMs;
    if (ageMs > freshMs && !underWay) void renew();
    return ageMs > goodMs ? undefined : known?.states.find(({ queue }) => queue === wanted);
  }

  return {
    requireOpen() {
      if (!stateOf(taskQueues.cpu)?.paused) return;
      throw new ApiError('paused', [], { retryAfterMs: minuteMs });
    },

    async requireRoom(person) {
      const state = stateOf(taskQueues.gpu);
      // What is paused waits for its operator, and how long is not for us to guess.
      if (state === undefined || state.paused) return;
      const { analysisWaitSeconds: limit } = await systemConfig.current();
      const wait = Math.ceil(estimatedWaitSeconds(state, workflows.priorityKeyOf(person)));
      if (wait <= limit) return;
      throw new ApiError(
        'queue_full',
        [{ path: 'queue', message: `is about ${wait} seconds long for you; at most ${limit} are accepted` }],
        { retryAfterMs: (wait - limit) * secondMs },
      );
    },
  };
}
