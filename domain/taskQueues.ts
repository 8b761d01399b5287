/** The two worker pools (T2): everything that waits on others, and everything that computes. Each scales on its own. */
export const taskQueues = { cpu: 'mindpeeker-cpu', gpu: 'mindpeeker-gpu' } as const;

/**
 * Calls to people's own systems have a queue beside those of the pools: a receiver that is slow on purpose takes none of
 * the places where sessions are worked on. The CPU workers poll it.
 */
export const webhookQueue = 'mindpeeker-webhooks';

/** Every queue that work waits in. */
export const queueNames = [taskQueues.cpu, taskQueues.gpu, webhookQueue] as const;
export type QueueName = (typeof queueNames)[number];

/** How a queue stands. */
export interface QueueState {
  queue: QueueName;
  /** Processes that poll it. */
  workers: number;
  /** Tasks that wait. */
  backlog: number;
  /** The same by priority key; lower keys go first. */
  backlogByPriority: Readonly<Record<number, number>>;
  /** How long the oldest task has waited. */
  backlogAgeSeconds: number;
  /** Tasks that came, and that workers took, in the last half minute. */
  addedPerSecond: number;
  dispatchedPerSecond: number;
  /** The most that may be taken; null where nobody set a limit. */
  limitPerSecond: number | null;
  /** Since when, why and by whom it is paused; null while it is not. */
  paused: { since: string; reason: string; by: string } | null;
}

/** What the rate of the last tasks is measured over. */
const rateWindowSeconds = 30;

/**
 * How long a task of that priority would wait: what goes before it, by the pace at which workers take tasks. Tasks of
 * lower priority are not counted, and that fairness lets a person with little in the queue overtake one with much is
 * not either, so who asks for little waits shorter. While nothing is taken, it is as long as the oldest has waited.
 */
export function estimatedWaitSeconds(
  state: Pick<QueueState, 'backlogByPriority' | 'backlogAgeSeconds' | 'dispatchedPerSecond'>,
  priorityKey: number,
): number {
  const ahead = Object.entries(state.backlogByPriority)
    .filter(([key]) => Number(key) <= priorityKey)
    .reduce((sum, [, count]) => sum + count, 0);
  if (ahead === 0) return 0;
  if (state.dispatchedPerSecond === 0) return state.backlogAgeSeconds;
  // A backlog younger than the window had only its own age to be worked at; before it there was less to take.
  const workedSeconds = Math.min(Math.max(state.backlogAgeSeconds, 1), rateWindowSeconds);
  return (ahead * workedSeconds) / (state.dispatchedPerSecond * rateWindowSeconds);
}
