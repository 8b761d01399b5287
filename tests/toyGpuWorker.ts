import { createEngine } from '../ml/engine.ts';
import { createTrainingPool } from '../ml/training/pool.ts';
import { createGpuWorker } from '../workers/pools.ts';
import { startServing } from '../workers/serving.ts';
import { runWorkerProcess } from '../workers/workerProcess.ts';

/** The process of the GPU pool, except that it trains the toy of the tests and analyzes nothing. */
await runWorkerProcess('worker-gpu', async (resources, connection) => {
  const engine = await createEngine({ threads: 1, backend: 'js' });
  const serving = await startServing({ ...resources, engine });
  const trainingPool = createTrainingPool({
    threads: 2,
    backend: 'auto',
    recipes: new URL('toyRecipe.ts', import.meta.url),
  });
  return {
    workers: { temporal: await createGpuWorker(resources, connection, { engine, serving, trainingPool }) },
    async close() {
      await serving.close();
      await Promise.all([engine.close(), trainingPool.close()]);
    },
  };
});
