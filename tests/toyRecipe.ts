import { dense, denseLayout, initialWeights } from '../ml/layers.ts';
import type { Model } from '../ml/model.ts';
import { compute, entry, firstRow, stackRows, tensorOf, toLive } from '../ml/tensors.ts';
import type { Recipe } from '../ml/training/recipe.ts';

/** A model small enough to be seen through: it says whether the number of points is above twenty. */
const model: Model<'dowsing'> = {
  sessionType: 'dowsing',
  architecture: 7,
  encode: ({ impressions }) => ({
    x: tensorOf([1, 1], ['points' in impressions ? impressions.points.length / 20 - 1 : 0]),
  }),
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    return async (sessions) => {
      const { y } = await compute(tf, stackRows(sessions), (inputs) => ({
        y: dense(tf, live, 'toy', entry(inputs, 'x')),
      }));
      return sessions.map((_, i) => ({ y: tensorOf([1, 1], [y?.values[i] ?? NaN]) }));
    };
  },
  report: () => [],
  observe: ({ inputs }) => ({ points: firstRow(entry(inputs, 'x'))[0] ?? 0 }),
  example: { impressions: { question: 'q', region: { west: 0, south: 0, east: 1, north: 1 }, points: [] } },
};

/** How the toy is made: its figure is the slope it found, which grows with every example it learns from. */
export const toyRecipe: Recipe<'dowsing'> = {
  model,
  version: '7.0.0',
  specifiedSessions: 1_000,
  epochs: 8,
  networks: {
    toy: {
      batchSize: 256,
      learningRate: 0.3,
      initial: (random) => initialWeights(random, denseLayout('toy', 1, 1)),
      loss: (tf, weights, batch) =>
        tf.losses.sigmoidCrossEntropy(entry(batch, 'y'), dense(tf, weights, 'toy', entry(batch, 'x'))),
    },
  },
  simulate: ({ random, sessions }) => {
    const x = Float32Array.from({ length: sessions }, () => random.uniform(-1, 1));
    const y = x.map((value) => (value > 0 ? 1 : 0));
    return Promise.resolve({ toy: { x: tensorOf([sessions, 1], x), y: tensorOf([sessions, 1], y) } });
  },
  learnFrom: ({ outcome }) =>
    Promise.resolve(
      'answer' in outcome
        ? { toy: { x: tensorOf([1, 1], [1]), y: tensorOf([1, 1], [outcome.answer === 'yes' ? 1 : 0]) } }
        : null,
    ),
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

/** What a training thread of the tests knows in the place of the real recipes. */
export const recipes = { dowsing: toyRecipe };
