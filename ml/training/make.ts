import type { SessionType } from '../../domain/session.ts';
import type { Artefact } from '../artefact.ts';
import type { Runtime } from '../backend.ts';
import { trainEpoch } from './epoch.ts';
import { finish } from './finish.ts';
import type { Examples, Recipe } from './recipe.ts';
import { makeShard, planShards, unpackExamples } from './shards.ts';
import { firstState } from './state.ts';

/** Makes a model from its recipe in this process, in memory: for small trainings, and for whoever works on a recipe. */
export async function makeModel<T extends SessionType>({
  runtime,
  recipe,
  sessions,
  seed,
  progress,
}: {
  runtime: Runtime;
  recipe: Recipe<T>;
  sessions: number;
  seed: number;
  progress: (line: string) => void;
}): Promise<Artefact> {
  const shards: Uint8Array[] = [];
  for (const shard of planShards(sessions)) {
    shards.push(await makeShard(recipe, { runtime, seed, shard }));
    progress(`simulated ${shard.index + 1} of ${planShards(sessions).length} shards`);
  }
  let state = firstState(recipe, seed);
  while (state.epoch < recipe.epochs) {
    const epoch = await trainEpoch({
      runtime,
      recipe,
      seed,
      state,
      shards: read(shards),
      progress: ({ shardsDone, examplesPerSecond, losses }) => {
        if (shardsDone === shards.length)
          progress(`epoch ${state.epoch + 1}/${recipe.epochs}  ${lossLine(losses)}  ${examplesPerSecond} examples/s`);
      },
    });
    ({ state } = epoch);
  }
  progress('calibrating and measuring');
  return finish({ runtime, recipe, weights: state.weights, seed, sessions, version: recipe.version });
}

// eslint-disable-next-line @typescript-eslint/require-await -- An epoch reads shards as they come from storage; these are there.
async function* read(shards: readonly Uint8Array[]): AsyncIterable<Examples> {
  for (const bytes of shards) yield unpackExamples(bytes);
}

function lossLine(losses: Readonly<Record<string, number>>): string {
  return Object.entries(losses)
    .map(([network, loss]) => `${network} ${loss.toFixed(4)}`)
    .join('  ');
}
