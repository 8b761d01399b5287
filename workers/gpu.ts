import { createEngine } from '../ml/engine.ts';
import { loadActiveModels } from './activeModels.ts';
import { createGpuWorker } from './pools.ts';
import { runWorkerProcess } from './workerProcess.ts';

/** The process of the GPU pool: the models. */
await runWorkerProcess('worker-gpu', async (resources, connection) => {
  const { config, database, objects } = resources;
  const engine = await createEngine({
    artefacts: await loadActiveModels(database, objects),
    threads: config.INFERENCE_THREADS,
    backend: config.INFERENCE_BACKEND,
  });
  return { worker: await createGpuWorker(resources, connection, engine), close: () => engine.close() };
});
