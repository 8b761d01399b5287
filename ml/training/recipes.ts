import type { SessionType } from '../../domain/session.ts';
import { dowsingRecipe } from '../dowsing/recipe.ts';
import { intuitiveAnalysisRecipe } from '../intuitive-analysis/recipe.ts';
import { precognitionRecipe } from '../precognition/recipe.ts';
import { remoteViewingRecipe } from '../remote-viewing/recipe.ts';
import type { Recipe } from './recipe.ts';

/** How each model is made. */
export const recipes: { [T in SessionType]: Recipe<T> } = {
  remote_viewing: remoteViewingRecipe,
  dowsing: dowsingRecipe,
  precognition: precognitionRecipe,
  intuitive_analysis: intuitiveAnalysisRecipe,
};

/** The recipe of the model that a person names: `remote-viewing` and `remote_viewing` are the same. */
export function recipeNamed(name: string | undefined): Recipe<SessionType> | undefined {
  const known: Record<string, Recipe<SessionType> | undefined> = recipes;
  return name === undefined ? undefined : known[name.replaceAll('-', '_')];
}
