/** The two worker pools (T2): everything that waits on others, and everything that computes. Each scales on its own. */
export const taskQueues = { cpu: 'mindpeeker-cpu', gpu: 'mindpeeker-gpu' } as const;

/**
 * Calls to people's own systems have a queue beside those of the pools: a receiver that is slow on purpose takes none of
 * the places where sessions are worked on. The CPU workers poll it.
 */
export const webhookQueue = 'mindpeeker-webhooks';
