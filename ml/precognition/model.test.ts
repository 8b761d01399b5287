import { beforeAll, describe, expect, test } from '@jest/globals';
import type { PrecognitionImpressions } from '../../domain/impressions.ts';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import type { Predict } from '../model.ts';
import { entry, type NamedTensors, type Tf } from '../tensors.ts';
import { findPeriod } from './baselines.ts';
import { precognition } from './model.ts';
import { normalBelow } from './report.ts';
import { evenOut } from './rhythm.ts';
import { precognitionTrainer } from './training.ts';

let runtime: Runtime;
let tf: Tf;
let weights: NamedTensors;
let predict: Predict;
beforeAll(async () => {
  runtime = await openBackend('wasm');
  ({ tf } = runtime);
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'precognition');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
  predict = precognition.load(runtime, weights);
});

async function forecast(impressions: PrecognitionImpressions) {
  const inputs = precognition.encode({ impressions }, runtime);
  const [outputs = {}] = await predict([inputs]);
  const [result] = precognition.report({
    input: { impressions },
    inputs,
    outputs,
    model: { name: 'precognition', version: '0', backend: 'wasm' },
  });
  if (result?.resultType !== 'precognition.forecast') throw new Error('No forecast');
  return result;
}

function days(count: number, everyDays = 1): string[] {
  return Array.from({ length: count }, (_, i) =>
    new Date(Date.UTC(2026, 0, 1 + i * everyDays)).toISOString().slice(0, 10),
  );
}
const weekly = (i: number) => 10 + 4 * Math.sin((2 * Math.PI * i) / 7);

describe('a forecast (M7)', () => {
  test('goes on with a season, with quantiles in order for every step', async () => {
    const { data } = await forecast({
      series: [{ name: 'a', times: days(70), values: days(70).map((_, i) => weekly(i)) }],
      horizon: 14,
    });
    const [series] = data.series;
    series?.q50.forEach((value, step) => {
      expect(Math.abs(value - weekly(70 + step))).toBeLessThan(1.5);
      expect(series.q10[step]).toBeLessThanOrEqual(value);
      expect(series.q90[step]).toBeGreaterThanOrEqual(value);
    });
    expect(series?.q50).toHaveLength(14);
  });

  test('every series is forecast for itself: others beside it change nothing', async () => {
    const one = { name: 'a', times: days(30), values: days(30).map((_, i) => i * 2) };
    const two = { name: 'b', times: days(50, 7), values: days(50).map((_, i) => weekly(i)) };
    const together = await forecast({ series: [one, two], horizon: 5 });
    const alone = await forecast({ series: [two], horizon: 5 });
    expect(together.data.series[1]).toEqual(alone.data.series[0]);
  });

  test("the person's own forecast stands beside the model's with how far they lie apart, and changes nothing else", async () => {
    const series = [{ name: 'a', times: days(30), values: days(30).map((_, i) => weekly(i)) }];
    const without = await forecast({ series, horizon: 3 });
    const beside = await forecast({
      series,
      horizon: 3,
      forecast: [{ name: 'a', values: without.data.series[0]?.q50 ?? [] }],
    });
    const { own, divergence, ...rest } = beside.data.series[0] ?? { own: undefined, divergence: undefined };
    expect(own).toEqual(without.data.series[0]?.q50);
    expect(divergence).toBeCloseTo(0, 10);
    expect(rest).toEqual(without.data.series[0]);
    expect(beside.confidenceScore).toBe(without.confidenceScore);
  });

  test('a rising series is expected to rise, a constant one to stay, and huge numbers stay finite', async () => {
    const rising = await forecast({
      series: [{ name: 'a', times: days(40), values: days(40).map((_, i) => 3 * i + Math.sin(i * i)) }],
      horizon: 6,
    });
    expect(rising.data.summary).toContain('above');
    expect(rising.confidenceScore).toBeGreaterThan(0.8);
    const constant = await forecast({
      series: [{ name: 'a', times: days(9), values: days(9).map(() => 5) }],
      horizon: 2,
    });
    expect(constant.data.series[0]?.q50[0]).toBeCloseTo(5, 6);
    const huge = await forecast({
      series: [{ name: 'a', times: days(9), values: days(9).map((_, i) => 1e300 * (i % 3)) }],
      horizon: 2,
    });
    expect(huge.data.series[0]?.q90.every(Number.isFinite)).toBe(true);
  });

  test('two values and a horizon five times as long are enough', async () => {
    const { data } = await forecast({ series: [{ name: 'a', times: days(2), values: [1, 2] }], horizon: 10 });
    expect(data.series[0]?.q50.every(Number.isFinite)).toBe(true);
  });
});

describe('times go on in their rhythm', () => {
  const ahead = (times: string[], steps = 2) => {
    const even = evenOut({ times, values: times.map((_, i) => i) });
    return Array.from({ length: steps }, (_, i) => even.timeAhead(i + 1));
  };

  test('days, weeks, hours, months to their last day, quarters and years', () => {
    expect(ahead(['2026-01-30', '2026-01-31'])).toEqual(['2026-02-01', '2026-02-02']);
    expect(ahead(['2026-01-01', '2026-01-08', '2026-01-15'])).toEqual(['2026-01-22', '2026-01-29']);
    expect(ahead(['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'])[0]).toBe('2026-01-01T02:00:00.000Z');
    expect(ahead(['2025-11-30', '2025-12-31', '2026-01-31'])).toEqual(['2026-02-28', '2026-03-31']);
    expect(ahead(['2025-01-01', '2025-04-01', '2025-07-01', '2025-10-01'])).toEqual(['2026-01-01', '2026-04-01']);
    expect(ahead(['2023-01-01', '2024-01-01', '2025-01-01'])).toEqual(['2026-01-01', '2027-01-01']);
  });

  test('missing values lie on the line between their neighbours, and uneven times are read at their usual distance', () => {
    const gaps = evenOut({ times: days(5), values: [null, 2, null, 4, null] });
    expect(gaps.values).toEqual([2, 2, 3, 4, 4]);
    const uneven = evenOut({ times: ['2026-01-01', '2026-01-02', '2026-01-05', '2026-01-06'], values: [1, 2, 5, 6] });
    expect(uneven.values).toEqual([1, 2, 3, 4, 5, 6]);
    expect(uneven.timeAhead(1)).toBe('2026-01-07');
  });

  test('a season is found under a trend and none in a line', () => {
    expect(findPeriod(days(80).map((_, i) => weekly(i) + i))).toBe(7);
    expect(findPeriod(days(80).map((_, i) => i))).toBe(1);
  });
});

test('the normal distribution is that of the tables', () => {
  expect(normalBelow(0)).toBeCloseTo(0.5, 6);
  expect(normalBelow(1.96)).toBeCloseTo(0.975, 4);
  expect(normalBelow(-1)).toBeCloseTo(0.158655, 5);
});

test('on a random walk it comes out at chance, and the committed weights reach their figures on new seeds', async () => {
  const figures = await precognitionTrainer.evaluate({ tf, weights, seed: 31_337, sessions: 500 });
  const valueOf = (part: string) => figures.find(({ name }) => name.includes(part))?.value ?? NaN;
  expect(valueOf('error / that of the last value')).toBeGreaterThan(0.98);
  expect(Math.abs(valueOf('(random walk): rise or fall') - 0.5)).toBeLessThan(0.06);
  expect(valueOf('seasonal-naive forecast')).toBeLessThan(0.95);
  expect(valueOf('cover of the band from')).toBeGreaterThan(0.75);
  expect(valueOf('cover of the band from')).toBeLessThan(0.85);
});

test('a small training runs through and gives the same weights for the same seed (M4)', async () => {
  const { tf: plain } = await openBackend('js');
  const train = () => precognitionTrainer.train({ tf: plain, seed: 5, sessions: 100, progress: () => undefined });
  const [once, again] = [await train(), await train()];
  expect(Object.keys(once)).toEqual(Object.keys(weights));
  expect(Array.from(entry(once, 'forecast/last/kernel').values)).toEqual(
    Array.from(entry(again, 'forecast/last/kernel').values),
  );
});
