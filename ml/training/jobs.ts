import type { SessionType } from '../../domain/session.ts';
import { architectureOf, packArtefact, unpackArtefact } from '../artefact.ts';
import type { Backend, Runtime } from '../backend.ts';
import { UnanalyzableError } from '../errors.ts';
import type { Figure } from '../model.ts';
import { stackRows } from '../tensors.ts';
import { calibrate, finish, measure } from './finish.ts';
import { countExamples, learnShard } from './learn.ts';
import type { Examples, KnownSession, Recipe } from './recipe.ts';
import { makeShard, packExamples, type Shard, unpackExamples } from './shards.ts';
import { firstState, lossesOf, packState, unpackState } from './state.ts';

export type Recipes = { readonly [T in SessionType]?: Recipe<T> };

/** What a training needs to know of its recipe, and on what it is computed. */
export interface RecipeFacts {
  readonly version: string;
  readonly specifiedSessions: number;
  readonly epochs: number;
  readonly decisive: Recipe<SessionType>['decisive'];
  readonly backend: Backend;
}

/** Where a training stands after a shard. */
interface Learned {
  /** The checkpoint. */
  readonly state: Uint8Array;
  readonly epoch: number;
  readonly shardsDone: number;
  /** The mean loss of each network in this epoch so far. */
  readonly losses: Readonly<Record<string, number>>;
  /** How many examples the shard held. */
  readonly examples: number;
}

interface Job {
  readonly model: SessionType;
  readonly seed: number;
}

/**
 * The steps of a training as functions from bytes to bytes: what one step hands to the next is what is stored, so a
 * step can run in any thread of any process, and once more when that one has died.
 */
export function createJobs(runtime: Runtime, recipes: Recipes) {
  const recipeOf = (model: SessionType): Recipe<SessionType> => {
    const recipe: Recipe<SessionType> | undefined = recipes[model];
    if (recipe === undefined) throw new Error(`There is no recipe for ${model}`);
    return recipe;
  };
  return {
    /** Null when there is no recipe for the model. */
    facts({ model }: Pick<Job, 'model'>): Promise<RecipeFacts | null> {
      const recipe: Recipe<SessionType> | undefined = recipes[model];
      if (recipe === undefined) return Promise.resolve(null);
      const { version, specifiedSessions, epochs, decisive } = recipe;
      return Promise.resolve({ version, specifiedSessions, epochs, decisive, backend: runtime.backend });
    },

    /** The same model, seed and shard give the same bytes. */
    simulate({ model, seed, shard }: Job & { shard: Shard }): Promise<Uint8Array> {
      return makeShard(recipeOf(model), { runtime, seed, shard });
    },

    /** What can be learned from real sessions, and from how many of them; null when from none. */
    async learnFrom({
      model,
      sessions,
    }: Pick<Job, 'model'> & { sessions: readonly KnownSession<SessionType>[] }): Promise<{
      shard: Uint8Array;
      sessions: number;
    } | null> {
      const learned: Examples[] = [];
      for (const session of sessions) {
        const examples = await examplesOf(recipeOf(model), session, runtime);
        if (examples !== null) learned.push(examples);
      }
      return learned.length === 0 ? null : { shard: packExamples(together(learned)), sessions: learned.length };
    },

    /** @param state The checkpoint to go on from; null before the first shard. */
    async learn({
      model,
      seed,
      state,
      shard,
      shards,
    }: Job & { state: Uint8Array | null; shard: Uint8Array; shards: number }): Promise<Learned> {
      const recipe = recipeOf(model);
      const examples = unpackExamples(shard);
      const before = state === null ? firstState(recipe, seed) : unpackState(state);
      const after = await learnShard({ runtime, recipe, seed, state: before, shard: examples, shards });
      const { epoch, shardsDone } = after;
      return {
        state: packState(after),
        epoch,
        shardsDone,
        losses: lossesOf(after),
        examples: countExamples(examples),
      };
    },

    /** The checkpoint with calibrated weights in the place of trained ones. */
    async calibrate({
      model,
      seed,
      sessions,
      state,
    }: Job & { sessions: number; state: Uint8Array }): Promise<Uint8Array> {
      const trained = unpackState(state);
      const { weights } = trained;
      const calibrated = await calibrate({ runtime, recipe: recipeOf(model), weights, seed, sessions });
      return packState({ ...trained, weights: calibrated });
    },

    /** Measures and profiles calibrated weights: the artefact of a version, and its figures. */
    async finish({
      model,
      seed,
      sessions,
      version,
      state,
    }: Job & { sessions: number; version: string; state: Uint8Array }): Promise<{
      artefact: Uint8Array;
      figures: readonly Figure[];
    }> {
      const { weights } = unpackState(state);
      const artefact = await finish({ runtime, recipe: recipeOf(model), weights, seed, sessions, version });
      return { artefact: packArtefact(artefact), figures: artefact.figures };
    },

    /** The figures of another version on the same test set; null when its weights are of another architecture. */
    async measure({
      model,
      artefact,
    }: Pick<Job, 'model'> & { artefact: Uint8Array }): Promise<readonly Figure[] | null> {
      const recipe = recipeOf(model);
      const { version, weights } = unpackArtefact(artefact);
      if (architectureOf(version) !== recipe.model.architecture) return null;
      return measure({ runtime, recipe, weights });
    },
  };
}

export type Jobs = ReturnType<typeof createJobs>;

/** Null when there is nothing in the session that the model can read, or learn. */
async function examplesOf(
  recipe: Recipe<SessionType>,
  session: KnownSession<SessionType>,
  runtime: Runtime,
): Promise<Examples | null> {
  try {
    return await recipe.learnFrom(session, runtime);
  } catch (error) {
    if (error instanceof UnanalyzableError) return null;
    throw error;
  }
}

/** The examples of sessions on top of each other, network by network. */
function together(sessions: readonly Examples[]): Examples {
  const networks = new Set(sessions.flatMap((session) => Object.keys(session)));
  return Object.fromEntries(
    [...networks].map((network) => [
      network,
      stackRows(sessions.flatMap(({ [network]: examples }) => (examples === undefined ? [] : [examples]))),
    ]),
  );
}
