import { beforeAll, describe, expect, test } from '@jest/globals';
import type { DowsingImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import { UnanalyzableError } from '../errors.ts';
import { meanOf } from '../../domain/statistics.ts';
import type { Predict } from '../model.ts';
import { Random } from '../random.ts';
import { entry, type NamedTensors } from '../tensors.ts';
import { makeModel } from '../training/make.ts';
import { simulateAnswer } from './generator.ts';
import { gridOf } from './grid.ts';
import { dowsing } from './model.ts';
import { dowsingRecipe } from './recipe.ts';

let runtime: Runtime;
let weights: NamedTensors;
let predict: Predict;
beforeAll(async () => {
  runtime = await openBackend('wasm');
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'dowsing');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
  predict = dowsing.load(runtime, weights);
});

async function read(impressions: DowsingImpressions): Promise<ModelResult> {
  const inputs = dowsing.encode({ impressions }, runtime);
  const [outputs = {}] = await predict([inputs]);
  const [result] = dowsing.report({
    input: { impressions },
    inputs,
    outputs,
    model: { name: 'dowsing', version: '0', backend: 'wasm' },
  });
  if (result === undefined) throw new Error('No result');
  return result;
}

async function answer(impressions: DowsingImpressions) {
  const result = await read(impressions);
  if (result.resultType !== 'dowsing.answer') throw new Error('No answer');
  return result;
}

async function locate(impressions: DowsingImpressions) {
  const result = await read(impressions);
  if (result.resultType !== 'dowsing.location') throw new Error('No location');
  return result;
}

/** A clean swing along a direction (degrees from x), or round (1 or -1). */
function swing(angle: number, round = 0) {
  const turn = (angle * Math.PI) / 180;
  return Array.from({ length: 200 }, (_, i) => {
    const [along, across] = [50 * Math.cos(i / 4), 50 * round * Math.sin(i / 4)];
    return {
      x: 300 + along * Math.cos(turn) - across * Math.sin(turn),
      y: 300 + along * Math.sin(turn) + across * Math.cos(turn),
      tMs: i * 40,
    };
  });
}

describe('an answer (M6)', () => {
  test('up and down is a yes and from side to side a no where nothing else is known; the three add to 1', async () => {
    const [yes, no] = [
      await answer({ question: 'q', trace: { points: swing(90) } }),
      await answer({ question: 'q', trace: { points: swing(0) } }),
    ];
    expect(yes.data.yes).toBeGreaterThan(0.8);
    expect(no.data.no).toBeGreaterThan(0.8);
    for (const { data, confidenceScore } of [yes, no]) {
      expect(data.yes + data.no + data.unclear).toBeCloseTo(1, 10);
      expect(confidenceScore).toBe(Math.max(data.yes, data.no, data.unclear));
      expect(data.interval[0]).toBeLessThanOrEqual(data.interval[1]);
    }
  });

  test("a person's own calibration decides: the same swing is a yes for one and a no for another", async () => {
    const points = swing(0, 1);
    const [clockwise, counter] = [swing(0, 1), swing(0, -1)];
    const one = await answer({ question: 'q', trace: { points, calibration: { yes: clockwise, no: counter } } });
    const other = await answer({ question: 'q', trace: { points, calibration: { yes: counter, no: clockwise } } });
    expect(one.data.yes).toBeGreaterThan(0.8);
    expect(other.data.no).toBeGreaterThan(0.8);
  });

  test('the size, the place and the pace of a swing do not matter', async () => {
    const points = swing(80);
    const moved = points.map(({ x, y, tMs }) => ({ x: 9_000 + 7 * x, y: 7 * y, tMs: 3 * tMs }));
    const [here, there] = [
      await answer({ question: 'q', trace: { points } }),
      await answer({ question: 'q', trace: { points: moved } }),
    ];
    expect(there.data.yes).toBeCloseTo(here.data.yes, 4);
  });

  test('a swing between the two, and one that changed its mind, is unclear', async () => {
    for (const points of [swing(45), [...swing(90).slice(0, 100), ...swing(0).slice(100)]]) {
      const { data } = await answer({ question: 'q', trace: { points } });
      expect(data.unclear).toBeGreaterThan(Math.max(data.yes, data.no));
    }
  });

  test('the interval holds the reading and is wider for a weak swing than for a clean one', async () => {
    const width = async (impressions: DowsingImpressions) => {
      const { yes, interval } = (await answer(impressions)).data;
      expect(interval[0]).toBeLessThanOrEqual(yes);
      expect(interval[1]).toBeGreaterThanOrEqual(yes);
      return interval[1] - interval[0];
    };
    const random = new Random(9);
    const weak: number[] = [];
    for (let i = 0; i < 20; i++) weak.push(await width(simulateAnswer(random, 'yes', 0.35).recorded()));
    expect(meanOf(weak)).toBeGreaterThan(1.5 * (await width({ question: 'q', trace: { points: swing(90) } })));
  });

  test('a trace that stands still is refused for good, and one without time is read by its points', async () => {
    const still = Array.from({ length: 9 }, () => ({ x: 1, y: 1, tMs: 0 }));
    expect(() => dowsing.encode({ impressions: { question: 'q', trace: { points: still } } }, runtime)).toThrow(
      UnanalyzableError,
    );
    const timeless = swing(90).map((point) => ({ ...point, tMs: 0 }));
    expect((await answer({ question: 'q', trace: { points: timeless } })).data.yes).toBeGreaterThan(0.6);
  });
});

describe('a location (M6)', () => {
  const region = { west: 7, south: 46, east: 9, north: 47 };
  const around = (lon: number, lat: number) =>
    Array.from({ length: 30 }, (_, i) => ({
      lon: lon + 0.05 * Math.sin(i * 2.4),
      lat: lat + 0.03 * Math.cos(i * 1.7),
    }));

  test('lies where the points gather; cells add to 1, best first by density, and the areas grow with what they hold', async () => {
    const { data, confidenceScore } = await locate({ question: 'q', region, points: around(8.4, 46.3) });
    expect(data.best.lon).toBeCloseTo(8.4, 0);
    expect(Math.abs(data.best.lat - 46.3)).toBeLessThan(0.1);
    expect(data.cells.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 4);
    expect(data.cells[0]).toMatchObject(data.best);
    expect(data.area50Km2).toBeLessThan(data.area90Km2);
    expect(data.area90Km2).toBeLessThan(gridOf(region).areaKm2);
    expect(confidenceScore).toBeGreaterThan(0.5);
  });

  test('a region that crosses the antimeridian gives the same as one that does not', async () => {
    const shift = (lon: number) => (lon + 172 > 180 ? lon + 172 - 360 : lon + 172);
    const points = around(8.4, 46.3);
    const here = await locate({ question: 'q', region, points });
    const there = await locate({
      question: 'q',
      region: { ...region, west: shift(region.west), east: shift(region.east) },
      points: points.map(({ lon, lat }) => ({ lon: shift(lon), lat })),
    });
    expect(there.data.best.lon).toBeCloseTo(shift(here.data.best.lon), 6);
    expect(there.data.area50Km2).toBeCloseTo(here.data.area50Km2, 0);
    expect(there.data.cells.every(({ lon }) => lon >= -180 && lon <= 180)).toBe(true);
  });

  test('the whole globe has the area of the globe, and a degree at the equator its known length', () => {
    const globe = gridOf({ west: -180, south: -90, east: 180, north: 90 });
    expect(globe.areaKm2 / 510_064_000).toBeCloseTo(1, 2);
    expect(gridOf({ west: 0, south: -0.5, east: 1, north: 0.5 }).widthKm).toBeCloseTo(111.2, 1);
  });

  test('one point, and points whose weights are all zero, still give a posterior', async () => {
    for (const points of [
      [{ lon: 8, lat: 46.5 }],
      [
        { lon: 8, lat: 46.5, weight: 0 },
        { lon: 8.1, lat: 46.5, weight: 0 },
      ],
    ]) {
      const { data } = await locate({ question: 'q', region, points });
      expect(data.cells.every(({ probability }) => probability >= 0)).toBe(true);
      expect(data.area90Km2).toBeGreaterThan(0);
    }
  });
});

describe('sweeps (M6)', () => {
  const region = { west: 179, south: -1, east: -179, north: 1 };
  /** Walks north along six lines; near a place the rod reacts, or the person slows down. */
  const walk = (near: readonly [lon: number, lat: number], shows: 'strength' | 'pause' | 'nothing') =>
    Array.from({ length: 6 }, (_, line) => {
      let tMs = 0;
      const lon = 179.2 + line / 3;
      const points = Array.from({ length: 21 }, (_step, step) => {
        const lat = -1 + step / 10;
        const close = Math.hypot(lon - near[0], lat - near[1]) < 0.25;
        tMs += shows === 'pause' && close ? 4_000 : 1_000;
        const strength = shows === 'strength' && close ? 7 : shows === 'strength' ? 1 : undefined;
        return { lon: lon > 180 ? lon - 360 : lon, lat, tMs, ...(strength === undefined ? {} : { strength }) };
      });
      return { points };
    });

  test('lead to where the rod reacted, and to where a person slowed down if no strength was noted', async () => {
    for (const shows of ['strength', 'pause'] as const) {
      const { data } = await locate({ question: 'q', region, sweeps: walk([180.5, 0.4], shows) });
      expect(Math.abs(data.best.lon - -179.5)).toBeLessThan(0.35);
      expect(Math.abs(data.best.lat - 0.4)).toBeLessThan(0.35);
    }
  });

  test('in which nothing happened are refused for good', () => {
    const impressions = { question: 'q', region, sweeps: walk([180.5, 0.4], 'nothing') };
    expect(() => dowsing.encode({ impressions }, runtime)).toThrow(UnanalyzableError);
  });
});

test('sessions of both kinds that are answered together are answered as each would be alone (P6)', async () => {
  const random = new Random(4);
  const inputs = Array.from({ length: 24 }, () => dowsing.encode(dowsingRecipe.session(random), runtime));
  const together = await predict(inputs);
  for (const [i, session] of inputs.entries()) {
    const [alone = {}] = await predict([session]);
    const batched = together[i] ?? {};
    expect(Object.keys(batched)).toEqual(Object.keys(alone));
    for (const [name, { shape, values }] of Object.entries(alone)) {
      const other = entry(batched, name);
      expect(other.shape).toEqual(shape);
      expect(Math.max(...values.map((value, k) => Math.abs(value - (other.values[k] ?? NaN))))).toBeLessThan(1e-4);
    }
  }
});

test('an outcome teaches the network that it is about, and one of another kind teaches nothing (M4)', async () => {
  const trace = { points: swing(90) };
  const search = { question: 'q', region: { west: 7, south: 46, east: 9, north: 47 }, points: [{ lon: 8, lat: 46.2 }] };
  const location = { lon: 8.1, lat: 46.3 };
  const learnt = await dowsingRecipe.learnFrom(
    { impressions: { question: 'q', trace }, outcome: { answer: 'no' } },
    runtime,
  );
  expect(Array.from(learnt?.answer?.labels?.values ?? [])).toEqual([0, 1, 0]);
  const found = await dowsingRecipe.learnFrom({ impressions: search, outcome: { location } }, runtime);
  expect(found?.location?.held?.values.every((held) => held > 0)).toBe(true);
  for (const session of [
    { impressions: search, outcome: { answer: 'yes' as const } },
    { impressions: { question: 'q', trace }, outcome: { location } },
    { impressions: search, outcome: { location: { lon: 60, lat: 0 } } },
  ]) {
    expect(await dowsingRecipe.learnFrom(session, runtime)).toBeNull();
  }
});

test('without a signal it comes out at chance and claims no more; with one it reaches its figures on new seeds', async () => {
  const figures = await dowsingRecipe.evaluate({ runtime, weights, random: new Random(31_337), sessions: 400 });
  const valueOf = (part: string) => figures.find(({ name }) => name.includes(part))?.value ?? NaN;
  expect(Math.abs(valueOf('curve, no signal') - 0.5)).toBeLessThan(0.1);
  expect(Math.abs(valueOf('best tenth, no signal') - 0.1)).toBeLessThan(0.06);
  expect(valueOf('the same as claimed, no signal')).toBeLessThan(0.17);
  expect(valueOf('50% region, no signal')).toBeGreaterThan(0.4);
  expect(valueOf('90% region, no signal')).toBeGreaterThan(0.84);
  expect(valueOf('curve, any signal')).toBeGreaterThan(0.87);
  expect(valueOf('calibration error of P(yes)')).toBeLessThan(0.06);
  expect(Math.abs(valueOf('recorded again, any signal') - 0.9)).toBeLessThan(0.05);
  expect(valueOf('that of the centre, any signal')).toBeLessThan(0.55);
});

test('a small training runs through and gives the same weights for the same seed (M4)', async () => {
  const plain = await openBackend('js');
  const recipe = { ...dowsingRecipe, epochs: 1, evaluate: () => Promise.resolve([]) };
  const make = () => makeModel({ runtime: plain, recipe, sessions: 40, seed: 5, progress: () => undefined });
  const [once, again] = [await make(), await make()];
  expect(Object.keys(once.weights).toSorted()).toEqual(Object.keys(weights).toSorted());
  expect(once.weights).toEqual(again.weights);
});
