import { activeVersion, promote, registerVersion } from '../../db/models.ts';
import { updateTraining } from '../../db/trainings.ts';
import { unpackArtefact } from '../../ml/artefact.ts';
import { cardOf } from '../../ml/card.ts';
import { sha256Of } from '../../ml/tensorFile.ts';
import { decide } from './decide.ts';
import { readRecipe, trainingStep, type StepContext, type TrainingDeps } from './deps.ts';

/** The last steps: the version enters the registry, and analyzes sessions if it is better than the one that does. */
export function createPublishActivities(deps: TrainingDeps) {
  return {
    registerModel: ({ trainingId }: { trainingId: string }): Promise<void> =>
      trainingStep(deps, trainingId, async (context) => {
        const { training, store, objects, database, report } = context;
        await report({ stage: 'register', stageDone: 0 });
        const { model, version, startedBy } = training;
        const bytes = await store.require(trainingId, 'artefact');
        const artefact = unpackArtefact(bytes);
        const { backend } = await readRecipe(context, training);
        const artefactKey = `models/${model}/${version}`;
        await objects.putSealed(artefactKey, bytes);
        await objects.putSealed(`${artefactKey}.manifest`, await store.require(trainingId, 'manifest'));
        const { figures, seed, sessions, profile } = artefact;
        await registerVersion(database.asService(), {
          ...{ name: model, version, artefactKey, sha256: sha256Of(bytes), figures, seed, sessions, backend, profile },
          card: await cardOf(artefact, backend),
          ...(startedBy ? { createdBy: startedBy } : {}),
        });
      }),

    promoteModel: ({ trainingId }: { trainingId: string }): Promise<void> =>
      trainingStep(deps, trainingId, async (context) => {
        await context.report({ stage: 'promote', stageDone: 0 });
        const { database, training } = context;
        const decided = await decideNow(context);
        const { model: name, version, startedBy } = training;
        if (decided.decision === 'promoted') {
          const by = startedBy ? { by: startedBy } : {};
          await promote(database.asService(), { name, version, reason: decided.reason, ...by });
        }
        await updateTraining(database.asService(), trainingId, { ...decided, stageDone: 1 });
      }),
  };
}

async function decideNow(context: StepContext): Promise<ReturnType<typeof decide>> {
  const { database, training } = context;
  const { model, version, activeVersion: measured } = training;
  const active = await activeVersion(database.asService(), model);
  // An attempt before this one may have promoted it already.
  if (active !== null && active.version !== measured && active.version !== version) {
    const reason = `${active.version} became active after the figures were measured; an operator may promote this one.`;
    return { decision: 'kept', reason };
  }
  const { decisive } = await readRecipe(context, training);
  return decide(training, decisive);
}
