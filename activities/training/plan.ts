import { findTraining, updateTraining } from '../../db/trainings.ts';
import { whileHeartbeating } from '../heartbeating.ts';
import { readRecipe, type TrainingDeps } from './deps.ts';

/** The first step: what the recipe says of the training, which version it makes, on how many sessions. */
export function createPlanActivities({ database, trainingPool }: TrainingDeps) {
  return {
    planTraining: ({ trainingId }: { trainingId: string }): Promise<{ epochs: number }> =>
      whileHeartbeating(async () => {
        const em = database.asService();
        const training = await findTraining(em, trainingId);
        if (training === null) throw new Error(`There is no training ${trainingId}`);
        const recipe = await readRecipe({ trainingPool }, training);
        const { epochs } = recipe;
        await updateTraining(em, trainingId, {
          version: versionOf(recipe.version, trainingId),
          sessions: training.sessions ?? recipe.specifiedSessions,
          epochs,
        });
        return { epochs };
      }),
  };
}

/** A version of its own for every training: that of its recipe, with the end of the training's id. */
function versionOf(recipeVersion: string, trainingId: string): string {
  return `${recipeVersion}-${trainingId.slice(-8)}`;
}
