import { trainingStep, type TrainingDeps } from './deps.ts';
import { makeRealShards } from './realShards.ts';
import { makeSimulatedShards } from './shards.ts';

/** The second step: the sessions that the model learns from, as shards in object storage, with their manifest. */
export function createSimulateActivities(deps: TrainingDeps) {
  return {
    simulateShards: ({ trainingId }: { trainingId: string }): Promise<void> =>
      trainingStep(deps, trainingId, async (context) => {
        const { training, store, report } = context;
        if ((await store.manifest(trainingId)) !== null) return;
        const { model, version, seed } = training;
        const simulated = await makeSimulatedShards(context);
        const real = await makeRealShards(context, simulated.length);
        await store.putManifest(trainingId, { model, version, seed, shards: [...simulated, ...real] });
        await report({ realSessions: real.reduce((sum, { sessions }) => sum + sessions, 0) });
      }),
  };
}
