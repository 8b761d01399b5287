import type { SessionType } from '../../domain/session.ts';
import type { Artefact } from '../artefact.ts';
import type { Runtime } from '../backend.ts';
import { calibrate, finish } from './finish.ts';
import { countExamples, learnShard } from './learn.ts';
import type { Recipe } from './recipe.ts';
import { makeShard, planShards, unpackExamples } from './shards.ts';
import { firstState, lossesOf } from './state.ts';

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
    const startedAt = performance.now();
    let examples = 0;
    for (const bytes of shards) {
      const shard = unpackExamples(bytes);
      state = await learnShard({ runtime, recipe, seed, state, shard, shards: shards.length });
      examples += countExamples(shard);
    }
    const examplesPerSecond = Math.round(examples / ((performance.now() - startedAt) / 1000));
    progress(`epoch ${state.epoch}/${recipe.epochs}  ${lossLine(lossesOf(state))}  ${examplesPerSecond} examples/s`);
  }
  progress('calibrating and measuring');
  const weights = await calibrate({ runtime, recipe, weights: state.weights, seed, sessions });
  return finish({ runtime, recipe, weights, seed, sessions, version: recipe.version });
}

function lossLine(losses: Readonly<Record<string, number>>): string {
  return Object.entries(losses)
    .map(([network, loss]) => `${network} ${loss.toFixed(4)}`)
    .join('  ');
}
