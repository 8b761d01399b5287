/** The queues of the bare workflow, beside those of the real one. */
export const taskQueues = { cpu: 'bench-cpu', gpu: 'bench-gpu' } as const;
