import { trainingStep, type TrainingDeps } from './deps.ts';

/** After the last epoch: what is found on sessions that training did not see. */
export function createCalibrateActivities(deps: TrainingDeps) {
  return {
    calibrateModel: ({ trainingId }: { trainingId: string }): Promise<void> =>
      trainingStep(deps, trainingId, async ({ training, store, trainingPool, signal, report }) => {
        await report({ stage: 'calibrate', stageDone: 0, samplesPerSecond: null, secondsLeft: null });
        const { model, seed, sessions } = training;
        const state = await store.require(trainingId, 'checkpoint');
        const calibrated = await trainingPool.run('calibrate', { model, seed, sessions, state }, signal);
        await store.put(trainingId, 'calibrated', calibrated);
      }),
  };
}
