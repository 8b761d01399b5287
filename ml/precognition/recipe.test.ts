import { beforeAll, describe, expect, test } from '@jest/globals';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import type { Figure } from '../model.ts';
import { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { entry, type NamedTensors } from '../tensors.ts';
import { learnShard } from '../training/learn.ts';
import { firstState } from '../training/state.ts';
import { simulateSession } from './generator.ts';
import { precognitionImpressionsSchema } from '../../domain/impressions.ts';
import { precognition } from './model.ts';
import { readRealSeries } from './realSeries.ts';
import { precognitionRecipe } from './recipe.ts';
import { judgeAll } from './rollingOrigins.ts';

let runtime: Runtime;
let weights: NamedTensors;
beforeAll(async () => {
  runtime = await openBackend();
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'precognition');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
});

const valueOf = (figures: readonly Figure[], name: string) =>
  figures.find((figure) => figure.name === name)?.value ?? NaN;

describe('the committed weights (M7)', () => {
  test('reach their figures on simulated series of new seeds, and claim nothing on a random walk', async () => {
    const figures = await precognitionRecipe.evaluate({ runtime, weights, random: new Random(31_337), sessions: 600 });
    const found = (name: string) => valueOf(figures, name);
    expect(found('error / seasonal naive')).toBeLessThan(0.93);
    expect(found('cover of the band from q10 to q90')).toBeGreaterThan(0.77);
    expect(found('cover of the band from q10 to q90')).toBeLessThan(0.83);
    expect(found('confidence: calibration error')).toBeLessThan(0.04);
    expect(found('event at the end: calibration error')).toBeLessThan(0.03);
    expect(found('event within: calibration error')).toBeLessThan(0.04);
    expect(found('no signal (random walk): error / last value')).toBeGreaterThan(0.985);
    expect(Math.abs(found('no signal (random walk): rise or fall, area under the curve') - 0.5)).toBeLessThan(0.05);
  });

  test('beat the seasonal-naive forecast on real series that training never saw, and their band holds what it says', async () => {
    const { error, cover } = await judgeAll(await readRealSeries(), runtime, precognition.load(runtime, weights));
    expect(error).toBeLessThanOrEqual(0.9);
    expect(cover).toBeGreaterThanOrEqual(0.75);
    expect(cover).toBeLessThanOrEqual(0.85);
  });
});

describe('a recipe (M4)', () => {
  test('trains and calibrates in small, to the same weights for the same seed', async () => {
    const make = async () => {
      const shard = await precognitionRecipe.simulate({ runtime, random: new Random(5), sessions: 100 });
      const state = firstState(precognitionRecipe, 5);
      const learned = await learnShard({ runtime, recipe: precognitionRecipe, seed: 5, state, shard, shards: 1 });
      expect(Object.keys(shard)).toEqual(Object.keys(precognitionRecipe.networks));
      return precognitionRecipe.calibrate({ runtime, weights: learned.weights, random: new Random(6), sessions: 100 });
    };
    const [once, again] = [await make(), await make()];
    expect(once).toEqual(again);
    expect(Object.keys(once).toSorted()).toEqual(Object.keys(weights).toSorted());
  });

  test('simulates sessions as a person may send them', () => {
    const random = new Random(8);
    for (let i = 0; i < 200; i++) precognitionImpressionsSchema.parse(simulateSession(random));
  });

  test('learns from a real session the steps whose values came, up to the first that is not known', async () => {
    const times = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04'];
    const impressions = { series: [{ name: 'a', times, values: [1, 2, 1, 2] }], horizon: 4 };
    const learn = (values: (number | null)[]) =>
      precognitionRecipe.learnFrom({ impressions, outcome: { series: [{ name: 'a', values }] } }, runtime);
    const examples = await learn([3, 1, null, 4]);
    const { truth, unit } = examples?.forecast ?? {};
    expect(truth?.shape).toEqual([2, 3]);
    const [value = NaN, highest, lowest] = Array.from(truth?.values.subarray(3) ?? []);
    expect(value).toBeLessThan(0);
    expect(highest).toBeGreaterThan(0);
    expect(lowest).toBe(value);
    expect(at(entry({ unit: unit ?? { shape: [], values: new Float32Array() } }, 'unit').values, 0)).toBeGreaterThan(0);
    expect(await learn([null, 1])).toBeNull();
  });
});
