import { createCpuWorker, createWebhookWorker } from './pools.ts';
import { readWorkflowBundle } from './workflowBundle.ts';
import { runWorkerProcess } from './workerProcess.ts';

/** The process of the CPU pool: workflows, the steps that wait on others, and beside them the calls of webhooks. */
await runWorkerProcess('worker-cpu', async (resources, connection) => {
  const worker = await createCpuWorker(resources, connection, { workflowBundle: await readWorkflowBundle() });
  const webhooks = await createWebhookWorker(resources, connection);
  const running = webhooks.run();
  return {
    worker,
    close: async () => {
      // A signal stops both; when the pool ends for another reason, this one still works.
      if (webhooks.getState() === 'RUNNING') webhooks.shutdown();
      await running;
    },
  };
});
