import type { ConnectionLike } from '@temporalio/client';
import { optionalTsToDate, optionalTsToMs, type Timestamp } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { queueNames, taskQueues, type QueueName, type QueueState } from '../domain/taskQueues.ts';
import { secondMs } from '../domain/time.ts';

/** A process that polls a queue. */
interface QueueWorker {
  queue: QueueName;
  /** `pid@host`, as the SDK names it. */
  identity: string;
  /** The version of the code that it runs; null where workers are not versioned. */
  buildId: string | null;
  lastPolledAt: string | null;
}

/** The queues of the platform, as Temporal has them. */
export interface Queues {
  states(): Promise<QueueState[]>;
  state(queue: QueueName): Promise<QueueState>;
  workers(): Promise<QueueWorker[]>;
  /** No activity is handed out any more; what workers have goes on. */
  pause(queue: QueueName, pausing: { reason: string; by: string }): Promise<void>;
  resume(queue: QueueName, resuming: { reason: string; by: string }): Promise<void>;
}

interface QueuesOptions {
  connection: ConnectionLike;
  namespace: string;
  /** Runs a call against a deadline, and names its failures. */
  call: <T>(work: () => Promise<T>) => Promise<T>;
}

type Description = Awaited<ReturnType<ConnectionLike['workflowService']['describeTaskQueue']>>;
const types = proto.temporal.api.enums.v1.TaskQueueType;

/** The queues of a namespace over an open connection. */
export function createQueues({ connection, namespace, call }: QueuesOptions): Queues {
  const { workflowService } = connection;

  /** Every pool polls for activities, and the CPU pool for workflow tasks as well. */
  function describe(queue: QueueName): Promise<Description[]> {
    const polled =
      queue === taskQueues.cpu
        ? [types.TASK_QUEUE_TYPE_ACTIVITY, types.TASK_QUEUE_TYPE_WORKFLOW]
        : [types.TASK_QUEUE_TYPE_ACTIVITY];
    const terms = { namespace, taskQueue: { name: queue }, reportStats: true, reportConfig: true };
    return Promise.all(
      polled.map(async (taskQueueType) => {
        const description = await call(() => workflowService.describeTaskQueue({ ...terms, taskQueueType }));
        description.pollers = description.pollers.filter(isThere);
        return description;
      }),
    );
  }

  /** A limit of null is none; what workers ask for counts then. */
  async function limit(queue: QueueName, perSecond: number | null, { reason, by }: { reason: string; by: string }) {
    await call(() =>
      workflowService.updateTaskQueueConfig({
        namespace,
        identity: by,
        taskQueue: queue,
        taskQueueType: types.TASK_QUEUE_TYPE_ACTIVITY,
        updateQueueRateLimit: {
          reason,
          ...(perSecond === null ? {} : { rateLimit: { requestsPerSecond: perSecond } }),
        },
      }),
    );
  }

  const state = async (queue: QueueName) => stateOf(queue, await describe(queue));

  return {
    state,
    states: () => Promise.all(queueNames.map(state)),
    workers: async () => {
      const found = await Promise.all(
        queueNames.map(async (queue) =>
          (await describe(queue)).flatMap((description) => workersOf(queue, description)),
        ),
      );
      return found.flat().filter(isFirstOfItsKind);
    },
    pause: (queue, pausing) => limit(queue, 0, pausing),
    resume: (queue, resuming) => limit(queue, null, resuming),
  };
}

/** Temporal tells who polled in the last five minutes; a poll that finds nothing lasts one, and is then made anew. */
const pollerGoneMs = 75 * secondMs;

/** Whether somebody whom Temporal lists still polls. */
export function isThere({ lastAccessTime }: Pick<Description['pollers'][number], 'lastAccessTime'>): boolean {
  const at = optionalTsToMs(lastAccessTime);
  return at !== undefined && Date.now() - at < pollerGoneMs;
}

function stateOf(queue: QueueName, descriptions: readonly Description[]): QueueState {
  const stats = descriptions.map((description) => description.stats);
  const sum = (of: (stat: (typeof stats)[number]) => number) => stats.reduce((total, stat) => total + of(stat), 0);
  const identities = descriptions.flatMap(({ pollers }) => pollers.map(({ identity }) => identity));
  // Activities come first, and only they have a limit.
  const [activities] = descriptions;
  const { rateLimit, metadata } = activities?.config?.queueRateLimit ?? {};
  return {
    queue,
    workers: new Set(identities).size,
    backlog: sum((stat) => Number(stat?.approximateBacklogCount ?? 0)),
    backlogByPriority: backlogByPriority(descriptions),
    backlogAgeSeconds: Math.max(...stats.map((stat) => (optionalTsToMs(stat?.approximateBacklogAge) ?? 0) / secondMs)),
    addedPerSecond: sum((stat) => stat?.tasksAddRate ?? 0),
    dispatchedPerSecond: sum((stat) => stat?.tasksDispatchRate ?? 0),
    limitPerSecond: limitOf(activities),
    paused:
      rateLimit?.requestsPerSecond === 0
        ? {
            since: isoOf(metadata?.updateTime) ?? '',
            reason: metadata?.reason ?? '',
            by: metadata?.updateIdentity ?? '',
          }
        : null,
  };
}

/** What an operator or the workers set; the server's own limit, which every queue has, is none to speak of. */
function limitOf(description: Description | undefined): number | null {
  const { rateLimitSource, requestsPerSecond } = description?.effectiveRateLimit ?? {};
  return rateLimitSource === proto.temporal.api.enums.v1.RateLimitSource.RATE_LIMIT_SOURCE_SYSTEM
    ? null
    : (requestsPerSecond ?? null);
}

function backlogByPriority(descriptions: readonly Description[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { statsByPriorityKey } of descriptions) {
    for (const [key, { approximateBacklogCount }] of Object.entries(statsByPriorityKey)) {
      counts[Number(key)] = (counts[Number(key)] ?? 0) + Number(approximateBacklogCount ?? 0);
    }
  }
  return counts;
}

function workersOf(queue: QueueName, { pollers }: Description): QueueWorker[] {
  return pollers.map(({ identity, lastAccessTime, deploymentOptions, workerVersionCapabilities }) => ({
    queue,
    identity: identity ?? '',
    buildId: deploymentOptions?.buildId || workerVersionCapabilities?.buildId || null,
    lastPolledAt: isoOf(lastAccessTime),
  }));
}

/** The CPU pool polls for two types of tasks as the same worker. */
function isFirstOfItsKind(worker: QueueWorker, index: number, all: readonly QueueWorker[]): boolean {
  return all.findIndex(({ queue, identity }) => queue === worker.queue && identity === worker.identity) === index;
}

function isoOf(time: Timestamp | null | undefined): string | null {
  return optionalTsToDate(time)?.toISOString() ?? null;
}
