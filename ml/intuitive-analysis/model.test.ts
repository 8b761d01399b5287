import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import type { Predict } from '../model.ts';
import { Random } from '../random.ts';
import { entry, type NamedTensors, type Tf } from '../tensors.ts';
import { adjustedRandIndex } from './clusters.ts';
import { principalDirections } from './components.ts';
import { encode } from './encode.ts';
import { intuitiveAnalysis } from './model.ts';
import { intuitiveAnalysisTrainer } from './training.ts';

let runtime: Runtime;
let tf: Tf;
let weights: NamedTensors;
let predict: Predict;
beforeAll(async () => {
  runtime = await openBackend('wasm');
  ({ tf } = runtime);
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'intuitive_analysis');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
  predict = intuitiveAnalysis.load(runtime, weights);
});

async function analyze(impressions: IntuitiveAnalysisImpressions) {
  const inputs = intuitiveAnalysis.encode({ impressions }, runtime);
  const [outputs = {}] = await predict([inputs]);
  const [result] = intuitiveAnalysis.report({
    input: { impressions },
    inputs,
    outputs,
    model: { name: 'intuitive_analysis', version: '0', backend: 'wasm' },
  });
  if (result?.resultType !== 'intuitive_analysis.patterns') throw new Error('No patterns');
  return result;
}

/** Rows around three middles, apart in the first two dimensions; the third tells nothing. */
function threeGroups(random: Random): { rows: number[][]; groups: number[] } {
  const groups = Array.from({ length: 120 }, (_, i) => i % 3);
  const rows = groups.map((group) => [
    random.normal(10 * group, 1),
    random.normal(group === 1 ? 80 : 0, 8),
    random.normal(500, 20),
  ]);
  return { rows, groups };
}
const dimensions = ['size', 'warmth', 'noise'];

describe('patterns in a table (M8)', () => {
  test('groups are found with their number, every row gets its own, and what parts them matters most', async () => {
    const { rows, groups } = threeGroups(new Random(1));
    const { data } = await analyze({ dimensions, rows });
    expect(data.clusters.count).toBe(3);
    expect(adjustedRandIndex(data.clusters.labels, groups)).toBeGreaterThan(0.95);
    expect(data.clusters.stability).toBeGreaterThan(0.9);
    expect(data.importance.at(-1)?.dimension).toBe('noise');
    expect(data.importance.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 10);
    expect(data.map).toHaveLength(rows.length);
  });

  test('a row that does not belong stands out, with the dimension that makes it so', async () => {
    const { rows } = threeGroups(new Random(2));
    rows[50] = [rows[50]?.[0] ?? 0, rows[50]?.[1] ?? 0, 700];
    const { data } = await analyze({ dimensions, rows });
    const ranked = data.anomalies.toSorted((a, b) => b.score - a.score);
    expect(ranked[0]?.row).toBe(50);
    expect(ranked[0]?.score).toBeGreaterThan(0.5);
    expect(ranked[0]?.because[0]?.dimension).toBe('noise');
    expect(data.anomalies.map(({ row }) => row)).toEqual(rows.map((_, row) => row));
  });

  test('with ratings, the dimension that goes with them matters most, rows without a rating left out', async () => {
    const { rows } = threeGroups(new Random(3));
    const ratings = rows.map(([, , noise = 0], i) => (i % 5 === 0 ? null : -noise));
    const { data } = await analyze({ dimensions, rows, ratings });
    expect(data.importance[0]?.dimension).toBe('noise');
    expect(data.summary).toContain('goes with the ratings');
  });

  test('missing values, huge numbers and the smallest table are no obstacle', async () => {
    const { rows } = threeGroups(new Random(4));
    const holes = rows.map((row, i) => row.map((value, d) => ((i + d) % 7 === 0 ? null : value * 1e300)));
    const { data } = await analyze({ dimensions, rows: holes });
    expect(data.anomalies.every(({ score }) => Number.isFinite(score))).toBe(true);
    const smallest = await analyze({ dimensions: ['a'], rows: [[1], [2], [4]] });
    expect(smallest.data.clusters.labels).toHaveLength(3);
    expect(smallest.data.map.every(([, y]) => y === 0)).toBe(true);
  });

  test('units do not matter', () => {
    const { rows } = threeGroups(new Random(5));
    const once = encode({ dimensions, rows }).table.values;
    const scaled = encode({ dimensions, rows: rows.map((row) => row.map((value) => value * 1000 - 5)) }).table.values;
    scaled.forEach((value, i) => {
      expect(value).toBeCloseTo(once[i] ?? NaN, 4);
    });
  });
});

test('the adjusted Rand index is 1 for the same groups under other names and near 0 for groups at random', () => {
  expect(adjustedRandIndex([0, 0, 1, 1, 2], [5, 5, 3, 3, 4])).toBe(1);
  const random = new Random(6);
  const draw = () => Array.from({ length: 2_000 }, () => random.int(0, 3));
  expect(Math.abs(adjustedRandIndex(draw(), draw()))).toBeLessThan(0.02);
});

test('principal directions are those of a covariance that is known', () => {
  const directions = principalDirections([5, 0, 0, 2], 2, 2);
  expect(Math.abs(directions[0] ?? 0)).toBeCloseTo(1, 3);
  expect(Math.abs(directions[3] ?? 0)).toBeCloseTo(1, 3);
});

test('without structure it comes out at chance, and the committed weights reach their figures on new seeds', async () => {
  const figures = await intuitiveAnalysisTrainer.evaluate({ tf, weights, seed: 31_337, sessions: 240 });
  const valueOf = (part: string) => figures.find(({ name }) => name.includes(part))?.value ?? NaN;
  expect(valueOf('no groups')).toBeGreaterThan(0.7);
  expect(Math.abs(valueOf('marked at random') - 0.5)).toBeLessThan(0.08);
  expect(valueOf('right number')).toBeGreaterThan(0.35);
  expect(valueOf('stand out: area')).toBeGreaterThan(0.92);
});

test('a small training runs through and gives the same weights for the same seed (M4)', async () => {
  const { tf: plain } = await openBackend('js');
  const train = () => intuitiveAnalysisTrainer.train({ tf: plain, seed: 5, sessions: 30, progress: () => undefined });
  const [once, again] = [await train(), await train()];
  expect(Object.keys(once)).toEqual(Object.keys(weights));
  expect(Array.from(entry(once, 'count/last/kernel').values)).toEqual(
    Array.from(entry(again, 'count/last/kernel').values),
  );
});
