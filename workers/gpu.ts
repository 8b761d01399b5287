import { createEngine } from '../ml/engine.ts';
import { createTrainingPool } from '../ml/training/pool.ts';
import { countBatches } from './batchMetrics.ts';
import { createGpuWorker } from './pools.ts';
import { findArtefact, startServing } from './serving.ts';
import { runWorkerProcess } from './workerProcess.ts';

/** Thrown at start where the pool must be on a GPU and is not: it would take sessions and be slow with each. */
class MissingGpuError extends Error {
  override readonly name = 'MissingGpuError';
}

/** The process of the GPU pool: the models. */
await runWorkerProcess('worker-gpu', async (resources, connection) => {
  const { config, metrics } = resources;
  const engine = await createEngine({
    threads: config.INFERENCE_THREADS,
    backend: config.INFERENCE_BACKEND,
    memoryBytes: config.MODEL_MEMORY_BYTES,
    find: (wanted) => findArtefact(resources, wanted),
    onBatch: countBatches(metrics),
  });
  if (config.REQUIRE_GPU && engine.backend !== 'tensorflow-gpu') {
    throw new MissingGpuError(`REQUIRE_GPU is set, but the models would run on "${engine.backend}".`);
  }
  const serving = await startServing({ ...resources, engine });
  const trainingPool = createTrainingPool({ threads: config.TRAINING_THREADS, backend: config.INFERENCE_BACKEND });
  // A training can be taken up anywhere, so no drain waits for it; its attempt ends, and another worker has the next.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void trainingPool.close());
  return {
    workers: { temporal: await createGpuWorker(resources, connection, { engine, serving, trainingPool }) },
    async close() {
      await serving.close();
      await Promise.all([engine.close(), trainingPool.close()]);
    },
  };
});
