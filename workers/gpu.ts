import { createEngine } from '../ml/engine.ts';
import { loadActiveModels } from './activeModels.ts';
import { countBatches } from './batchMetrics.ts';
import { createGpuWorker } from './pools.ts';
import { runWorkerProcess } from './workerProcess.ts';

/** Thrown at start where the pool must be on a GPU and is not: it would take sessions and be slow with each. */
class MissingGpuError extends Error {
  override readonly name = 'MissingGpuError';
}

/** The process of the GPU pool: the models. */
await runWorkerProcess('worker-gpu', async (resources, connection) => {
  const { config, database, objects, logger, metrics } = resources;
  const engine = await createEngine({
    threads: config.INFERENCE_THREADS,
    backend: config.INFERENCE_BACKEND,
    memoryBytes: config.MODEL_MEMORY_BYTES,
    onBatch: countBatches(metrics),
  });
  if (config.REQUIRE_GPU && engine.backend !== 'tensorflow-gpu') {
    throw new MissingGpuError(`REQUIRE_GPU is set, but the models would run on "${engine.backend}".`);
  }
  const { refused } = await engine.serve(await loadActiveModels(database, objects));
  for (const refusal of refused) logger.error({ ...refusal }, 'a version of a model is refused');
  return { worker: await createGpuWorker(resources, connection, engine), close: () => engine.close() };
});
