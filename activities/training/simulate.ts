import { trainingStep, type TrainingDeps } from './deps.ts';
import { makeSimulatedShards } from './shards.ts';

/** The second step: the sessions that the model learns from, as shards in object storage, with their manifest. */
export function createSimulateActivities(deps: TrainingDeps) {
  return {
    simulateShards: ({ trainingId }: { trainingId: string }): Promise<void> =>
      trainingStep(deps, trainingId, async (context) => {
        const { training, store } = context;
        if ((await store.manifest(trainingId)) !== null) return;
        const { model, version, seed } = training;
        const shards = await makeSimulatedShards(context);
        await store.putManifest(trainingId, { model, version, seed, shards });
      }),
  };
}
