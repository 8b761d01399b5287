import { taskQueues } from '../domain/taskQueues.ts';
import { createWorkflowClient } from '../temporal/client.ts';
import { followPausing } from './pausing.ts';
import { createCpuWorker, createWebhookWorker } from './pools.ts';
import { readWorkflowBundle } from './workflowBundle.ts';
import { runWorkerProcess } from './workerProcess.ts';

/** The process of the CPU pool: workflows, the steps that wait on others, and beside them the calls of webhooks. */
await runWorkerProcess('worker-cpu', async (resources, connection) => {
  const { config, logger } = resources;
  const { queues } = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const pausing = await followPausing(queues, taskQueues.cpu, logger);
  const workflows = { workflowBundle: await readWorkflowBundle() };
  return {
    workers: {
      temporal: await createCpuWorker(resources, connection, workflows, pausing),
      webhooks: await createWebhookWorker(resources, connection),
    },
    close: () => pausing.close(),
  };
});
