import { beforeAll, describe, expect, test } from '@jest/globals';
import { highestSeed } from '../../domain/trainings.ts';
import { openBackend, type Runtime } from '../backend.ts';
import { Random } from '../random.ts';
import { toyRecipe as recipe } from '../../tests/toyRecipe.ts';
import { learnShard } from './learn.ts';
import { makeModel } from './make.ts';
import { frozenSeed, seedFor } from './seeds.ts';
import { makeShard, planShards, unpackExamples } from './shards.ts';
import { firstState, lossesOf, packState, type TrainingState, unpackState } from './state.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openBackend('js');
});

/** A training of three shards that goes on from a state for so many of them. */
async function learnOn(from: TrainingState, shards: number): Promise<TrainingState> {
  let state = from;
  for (let i = 0; i < shards; i++) {
    const bytes = await makeShard(recipe, { runtime, seed: 3, shard: { index: state.shardsDone, sessions: 200 } });
    state = await learnShard({ runtime, recipe, seed: 3, state, shard: unpackExamples(bytes), shards: 3 });
  }
  return state;
}

describe('a training (M4)', () => {
  test('learns, measures, profiles what its model observes, and gives the same figures to the same seed', async () => {
    const make = () => makeModel({ runtime, recipe, sessions: 3_000, seed: 3, progress: () => undefined });
    const [first, second] = [await make(), await make()];
    expect(first.figures[0]?.value).toBeGreaterThan(1);
    expect(second.figures).toEqual(first.figures);
    expect(first.weights).toHaveProperty(['toy/scale']);
    const shares = first.profile.points?.shares ?? [];
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    expect(Math.max(...shares)).toBeLessThan(0.2);
  });

  test('that goes on from a checkpoint between any two shards ends where one without a break ends (M4)', async () => {
    const whole = await learnOn(firstState(recipe, 3), 6);
    expect(whole).toMatchObject({ epoch: 2, shardsDone: 0 });
    for (const done of [1, 3, 5]) {
      const checkpoint = packState(await learnOn(firstState(recipe, 3), done));
      expect(await learnOn(unpackState(checkpoint), 6 - done)).toEqual(whole);
    }
  });

  test('loses less from epoch to epoch, and counts the loss of each epoch for itself', async () => {
    const first = await learnOn(firstState(recipe, 3), 3);
    const second = await learnOn(first, 3);
    expect(first.lost.toy?.batches).toBe(3 * Math.ceil(200 / 256));
    expect(second.lost.toy?.batches).toBe(first.lost.toy?.batches);
    expect(lossesOf(second).toy).toBeLessThan(lossesOf(first).toy ?? 0);
  });

  test('leaves nothing behind in TensorFlow.js', async () => {
    const state = await learnOn(firstState(recipe, 3), 1);
    const { numTensors } = runtime.tf.memory();
    await learnOn(state, 3);
    expect(runtime.tf.memory().numTensors).toBe(numTensors);
  });

  test('draws every shard, order and calibration from seeds of its own, and the test set from none of them', () => {
    const seeds = [1, 2, highestSeed].flatMap((seed) =>
      (['shard', 'weights', 'order', 'calibration'] as const).flatMap((purpose) => [
        seedFor(purpose, seed),
        seedFor(purpose, seed, 99),
      ]),
    );
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(Math.max(...seeds)).toBeLessThan(frozenSeed);
    expect(new Set(seeds.map((seed) => new Random(seed).uniform())).size).toBe(seeds.length);
  });

  test('of any number of sessions has shards that add up to it', () => {
    for (const sessions of [1, 10_000, 10_001, 500_000]) {
      expect(planShards(sessions).reduce((sum, shard) => sum + shard.sessions, 0)).toBe(sessions);
    }
  });
});
