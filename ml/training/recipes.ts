import type { SessionType } from '../../domain/session.ts';
import type { Recipe } from './recipe.ts';

/** How each model is made. */
export const recipes: { [T in SessionType]?: Recipe<T> } = {};
