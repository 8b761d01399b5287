import { beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type Runtime } from '../backend.ts';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { Model } from '../model.ts';
import { oneByOne } from '../oneByOne.ts';
import { Random } from '../random.ts';
import { compute, entry, firstRow, stackRows, tensorOf, toLive } from '../tensors.ts';
import { trainEpoch } from './epoch.ts';
import { makeModel } from './make.ts';
import type { Examples, Recipe } from './recipe.ts';
import { frozenSeed, highestSeed, seedFor } from './seeds.ts';
import { makeShard, planShards, unpackExamples } from './shards.ts';
import { firstState, packState, type TrainingState, unpackState } from './state.ts';

/** A model small enough to be seen through: it says whether the number of points is above twenty. */
const model: Model<'dowsing'> = {
  sessionType: 'dowsing',
  architecture: 1,
  encode: ({ impressions }) => ({
    x: tensorOf([1, 1], ['points' in impressions ? impressions.points.length / 20 - 1 : 0]),
  }),
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    return oneByOne((inputs) => compute(tf, inputs, ({ x }) => ({ y: dense(tf, live, 'toy', x ?? tf.zeros([1, 1])) })));
  },
  report: () => [],
  observe: ({ inputs }) => ({ points: firstRow(entry(inputs, 'x'))[0] ?? 0 }),
  example: { impressions: { question: 'q', region: { west: 0, south: 0, east: 1, north: 1 }, points: [] } },
};

const recipe: Recipe<'dowsing'> = {
  model,
  version: '1.0.0',
  specifiedSessions: 1_000,
  epochs: 12,
  networks: {
    toy: {
      batchSize: 32,
      learningRate: 0.1,
      initial: (random) => initialWeights(random, denseLayout('toy', 1, 1)),
      loss: (tf, weights, batch) =>
        tf.losses.sigmoidCrossEntropy(entry(batch, 'y'), dense(tf, weights, 'toy', entry(batch, 'x'))),
    },
  },
  simulate: ({ random, sessions }) => {
    const rows = Array.from({ length: sessions }, () => random.uniform(-1, 1));
    return Promise.resolve({
      toy: stackRows(rows.map((x) => ({ x: tensorOf([1, 1], [x]), y: tensorOf([1, 1], [x > 0 ? 1 : 0]) }))),
    });
  },
  learnFrom: () => Promise.resolve(null),
  session: (random) => ({
    impressions: {
      question: 'q',
      region: { west: 0, south: 0, east: 1, north: 1 },
      points: Array.from({ length: random.int(1, 40) }, () => ({ lon: 0.5, lat: 0.5 })),
    },
  }),
  calibrate: ({ weights }) => Promise.resolve({ ...weights, 'toy/scale': tensorOf([1], [1]) }),
  evaluate: ({ weights }) =>
    Promise.resolve([
      { name: 'slope', value: entry(weights, 'toy/kernel').values[0] ?? NaN, chance: 0, chanceIs: 'no slope' },
    ]),
  decisive: { figure: 'slope', better: 'higher' },
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openBackend('js');
});

async function* stored(): AsyncIterable<Examples> {
  for (const shard of planShards(500)) yield unpackExamples(await makeShard(recipe, { runtime, seed: 3, shard }));
}

async function epochAfter(state: TrainingState): Promise<TrainingState> {
  const done = await trainEpoch({ runtime, recipe, seed: 3, state, shards: stored(), progress: () => undefined });
  return done.state;
}

describe('a training (M4)', () => {
  test('learns, measures, profiles what its model observes, and gives the same figures to the same seed', async () => {
    const make = () => makeModel({ runtime, recipe, sessions: 500, seed: 3, progress: () => undefined });
    const [first, second] = [await make(), await make()];
    expect(first.figures[0]?.value).toBeGreaterThan(1);
    expect(second.figures).toEqual(first.figures);
    expect(first.weights).toHaveProperty(['toy/scale']);
    const shares = first.profile.points?.shares ?? [];
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    expect(Math.max(...shares)).toBeLessThan(0.2);
  });

  test('that goes on from a checkpoint ends where one without a break ends', async () => {
    const whole = await epochAfter(await epochAfter(firstState(recipe, 3)));
    const checkpoint = packState(await epochAfter(firstState(recipe, 3)));
    const resumed = await epochAfter(unpackState(checkpoint));
    expect(resumed).toEqual(whole);
    expect(resumed.epoch).toBe(2);
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
