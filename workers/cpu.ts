import { createCpuWorker } from './pools.ts';
import { readWorkflowBundle } from './workflowBundle.ts';
import { runWorkerProcess } from './workerProcess.ts';

/** The process of the CPU pool: workflows, and the steps that wait on others. */
await runWorkerProcess('worker-cpu', async (resources, connection) => ({
  worker: await createCpuWorker(resources, connection, { workflowBundle: await readWorkflowBundle() }),
}));
