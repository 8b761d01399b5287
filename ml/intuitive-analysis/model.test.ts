import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import { resultDataSchemas } from '../../domain/results.ts';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import { meanOf } from '../../domain/statistics.ts';
import type { Figure, Predict } from '../model.ts';
import { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { entry, type NamedTensors } from '../tensors.ts';
import { likenessOf } from './clusters.ts';
import { encode } from './encode.ts';
import { simulateTable } from './generator.ts';
import { intuitiveAnalysis } from './model.ts';
import { kMeansKnowing, readRealTables } from './realTables.ts';
import { intuitiveAnalysisRecipe } from './recipe.ts';

let runtime: Runtime;
let weights: NamedTensors;
let predict: Predict;
beforeAll(async () => {
  runtime = await openBackend('wasm');
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'intuitive_analysis');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
  predict = intuitiveAnalysis.load(runtime, weights);
});

async function analyze(impressions: IntuitiveAnalysisImpressions) {
  const inputs = intuitiveAnalysis.encode({ impressions }, runtime);
  const outputs = at(await predict([inputs]), 0);
  const said = { input: { impressions }, inputs, outputs };
  const [result] = intuitiveAnalysis.report({ ...said, model: { name: 'patterns', version: '0', backend: 'wasm' } });
  if (result?.resultType !== 'intuitive_analysis.patterns') throw new Error('No patterns');
  resultDataSchemas['intuitive_analysis.patterns'].parse(result.data);
  return { ...result, observed: intuitiveAnalysis.observe(said) };
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
    const { data, confidenceScore } = await analyze({ dimensions, rows });
    expect(data.clusters.count).toBe(3);
    expect(likenessOf(data.clusters.labels, groups)).toBeGreaterThan(0.95);
    expect(data.clusters.stability).toBeGreaterThan(0.9);
    expect(confidenceScore).toBeGreaterThan(data.chance.value);
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

  test('a row whose values are usual one by one stands out when they never go together', async () => {
    const random = new Random(3);
    const rows = Array.from({ length: 100 }, () => {
      const shared = random.normal();
      return [shared, 2 * shared + random.normal(0, 0.2), random.normal()];
    });
    rows[7] = [1.5, -3, 0];
    const { data } = await analyze({ dimensions, rows });
    const ranked = data.anomalies.toSorted((a, b) => b.score - a.score);
    expect(ranked[0]?.row).toBe(7);
    expect(ranked[0]?.because.map(({ dimension }) => dimension).at(-1)).toBe('noise');
  });

  test('similar rows are the nearest ones, of the same group and never the row itself, at most five', async () => {
    const { rows, groups } = threeGroups(new Random(4));
    const { data } = await analyze({ dimensions, rows });
    expect(data.similar).toHaveLength(rows.length);
    data.similar.forEach((similar, row) => {
      expect(similar).toHaveLength(5);
      expect(new Set(similar).size).toBe(5);
      expect(similar).not.toContain(row);
    });
    const alike = data.similar.flatMap((similar, row) => similar.map((other) => groups[other] === groups[row]));
    expect(alike.filter(Boolean).length / alike.length).toBeGreaterThan(0.95);
  });

  test('with ratings, the dimension that goes with them matters most, rows without a rating left out', async () => {
    const { rows } = threeGroups(new Random(5));
    const ratings = rows.map(([, , noise = 0], i) => (i % 5 === 0 ? null : -noise));
    const { data } = await analyze({ dimensions, rows, ratings });
    expect(data.importance[0]?.dimension).toBe('noise');
    expect(data.summary).toContain('"noise" goes with the ratings most');
  });

  test('ratings at random are said to go with nothing', async () => {
    const random = new Random(6);
    const summaries: string[] = [];
    for (let i = 0; i < 10; i++) {
      const { rows } = threeGroups(random);
      summaries.push((await analyze({ dimensions, rows, ratings: rows.map(() => random.uniform()) })).data.summary);
    }
    expect(summaries.filter((summary) => summary.includes('more than chance')).length).toBeGreaterThan(7);
  });

  test('missing values, huge numbers and the smallest table are no obstacle', async () => {
    const { rows } = threeGroups(new Random(7));
    const holes = rows.map((row, i) => row.map((value, d) => ((i + d) % 7 === 0 ? null : value * 1e300)));
    const { data, observed } = await analyze({ dimensions, rows: holes });
    expect(data.anomalies.every(({ score }) => Number.isFinite(score))).toBe(true);
    expect(observed.missing).toBeCloseTo(1 / 7, 2);
    const smallest = await analyze({ dimensions: ['a'], rows: [[1], [2], [4]] });
    expect(smallest.data.clusters.labels).toHaveLength(3);
    expect(smallest.data.similar.every((similar) => similar.length === 2)).toBe(true);
    expect(smallest.data.map.every(([, y]) => y === 0)).toBe(true);
  });

  test('units do not matter', () => {
    const { rows } = threeGroups(new Random(8));
    const once = encode({ dimensions, rows }).table.values;
    const scaled = encode({ dimensions, rows: rows.map((row) => row.map((value) => value * 1000)) }).table.values;
    scaled.forEach((value, i) => {
      expect(value).toBeCloseTo(once[i] ?? NaN, 4);
    });
  });

  test('tables that arrive together get the answers that each gets alone (P6)', async () => {
    const random = new Random(9);
    const tables = Array.from({ length: 5 }, () => encode(simulateTable(random).impressions));
    const together = await predict(tables);
    for (const [i, table] of tables.entries()) {
      const alone = at(await predict([table]), 0);
      for (const [name, { shape, values }] of Object.entries(alone)) {
        const batched = entry(at(together, i), name);
        expect(batched.shape).toEqual(shape);
        values.forEach((value, j) => {
          expect(batched.values[j]).toBeCloseTo(value, 4);
        });
      }
    }
  });

  test('the largest table is analyzed', async () => {
    const random = new Random(10);
    const wide = Array.from({ length: 200 }, (_, d) => `dimension ${d}`);
    const rows = Array.from({ length: 5_000 }, (_, r) => wide.map((__, d) => random.uniform() + (d < 20 ? r % 2 : 0)));
    const { data } = await analyze({ dimensions: wide, rows });
    expect(data.clusters.count).toBe(2);
    expect(data.anomalies).toHaveLength(5_000);
  });
});

test('on the real tables its groups are within 0.05 of k-means that is told their number, on the mean (M8)', async () => {
  const tables = await readRealTables();
  const likenesses: { own: number; knowing: number }[] = [];
  for (const { impressions, classes } of tables) {
    const names = [...new Set(classes)];
    const truth = classes.map((name) => names.indexOf(name));
    const { data } = await analyze(impressions);
    likenesses.push({
      own: likenessOf(data.clusters.labels, truth),
      knowing: likenessOf(kMeansKnowing(impressions, names.length), truth),
    });
  }
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['cars', 'penguins']));
  const knowing = meanOf(likenesses.map((one) => one.knowing));
  expect(knowing).toBeGreaterThan(0.2);
  expect(meanOf(likenesses.map(({ own }) => own))).toBeGreaterThan(knowing - 0.05);
});

describe('the committed weights, on seeds that they never saw (M8)', () => {
  let figures: Figure[];
  beforeAll(async () => {
    figures = await intuitiveAnalysisRecipe.evaluate({ runtime, weights, random: new Random(31_337), sessions: 300 });
  });
  const figure = (name: string): Figure => {
    const found = figures.find((one) => one.name === name);
    if (found === undefined) throw new Error(`There is no figure "${name}"`);
    return found;
  };

  test('find rows that stand out in ways they were never taught, better than an isolation forest does', () => {
    const { value, chance } = figure('rows that stand out, of kinds never taught: area under the curve');
    expect(value).toBeGreaterThan(0.9);
    expect(value).toBeGreaterThan(chance);
  });

  test('say how many groups there are far more often rightly than chance, and as surely as they are right', () => {
    const { value, chance } = figure('right number of groups');
    expect(value).toBeGreaterThan(2 * chance);
    expect(figure('number of groups: calibration error').value).toBeLessThan(0.08);
    expect(figure('rows that stand out: calibration error').value).toBeLessThan(0.03);
  });

  test('group rows about as well as k-means that is told how many groups there are', () => {
    const { value, chance } = figure('adjusted Rand index');
    expect(value).toBeGreaterThan(chance - 0.05);
  });

  test('say of tables without groups that there are none, and of rows marked at random nothing (zero signal)', () => {
    expect(figure('no groups: says that there are none').value).toBeGreaterThan(0.85);
    expect(Math.abs(figure('rows marked at random: area under the curve').value - 0.5)).toBeLessThan(0.06);
  });
});
