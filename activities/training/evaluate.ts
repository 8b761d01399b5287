import type { Training } from '../../db/entities.ts';
import { activeVersion } from '../../db/models.ts';
import { updateTraining } from '../../db/trainings.ts';
import type { Figure } from '../../ml/model.ts';
import { trainingStep, type StepContext, type TrainingDeps } from './deps.ts';

/** The new version and the active one are measured on the same frozen test set. */
export function createEvaluateActivities(deps: TrainingDeps) {
  return {
    evaluateModel: ({ trainingId }: { trainingId: string }): Promise<void> =>
      trainingStep(deps, trainingId, async (context) => {
        const { training, store, trainingPool, signal, database, report } = context;
        await report({ stage: 'evaluate', stageDone: 0 });
        const { model, seed, sessions, version } = training;
        const state = await store.require(trainingId, 'calibrated');
        const input = { model, seed, sessions, version, state };
        const { artefact, figures } = await trainingPool.run('finish', input, signal);
        await store.put(trainingId, 'artefact', artefact);
        await report({ stageDone: 0.5 });
        await updateTraining(database.asService(), trainingId, {
          figures: stored(figures),
          ...(await measureActive(context)),
        });
      }),
  };
}

async function measureActive({
  training: { model },
  database,
  objects,
  trainingPool,
  signal,
}: StepContext): Promise<Pick<Training, 'activeVersion' | 'activeFigures'>> {
  const active = await activeVersion(database.asService(), model);
  if (active === null) return { activeVersion: null, activeFigures: null };
  const artefact = await objects.getSealed(active.artefactKey);
  const figures = await trainingPool.run('measure', { model, artefact }, signal);
  return { activeVersion: active.version, activeFigures: figures === null ? null : stored(figures) };
}

/** Figures as the registry has them. */
function stored(figures: readonly Figure[]) {
  return figures.map(({ chanceIs, ...figure }) => ({ ...figure, meaning: chanceIs }));
}
