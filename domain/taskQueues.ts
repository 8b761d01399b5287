/** The two worker pools (T2): everything that waits on others, and everything that computes. Each scales on its own. */
export const taskQueues = { cpu: 'mindpeeker-cpu', gpu: 'mindpeeker-gpu' } as const;
