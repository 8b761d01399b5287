import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ForecastEvent, PrecognitionImpressions } from '../../domain/impressions.ts';
import { resultDataSchemas } from '../../domain/results.ts';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import type { Predict } from '../model.ts';
import { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { entry, type NamedTensors } from '../tensors.ts';
import { simulateSession } from './generator.ts';
import { precognition } from './model.ts';

let runtime: Runtime;
let weights: NamedTensors;
let predict: Predict;
beforeAll(async () => {
  runtime = await openBackend('wasm');
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'precognition');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
  predict = precognition.load(runtime, weights);
});

const model = { name: 'precognition', version: '0', backend: 'wasm' };

async function forecast(impressions: PrecognitionImpressions) {
  const inputs = precognition.encode({ impressions }, runtime);
  const [outputs = {}] = await predict([inputs]);
  const [result] = precognition.report({ input: { impressions }, inputs, outputs, model });
  if (result?.resultType !== 'precognition.forecast') throw new Error('No forecast');
  return result;
}

function days(count: number, everyDays = 1): string[] {
  return Array.from({ length: count }, (_, i) =>
    new Date(Date.UTC(2026, 0, 1 + i * everyDays)).toISOString().slice(0, 10),
  );
}
const seriesOf = (count: number, valueAt: (i: number) => number | null, name = 'a') => ({
  name,
  times: days(count),
  values: Array.from({ length: count }, (_, i) => valueAt(i)),
});
const weekly = (i: number) => 10 + 4 * Math.sin((2 * Math.PI * i) / 7);

/** A series that goes up and down by chance alone. */
function walk(seed: number, count: number): (i: number) => number {
  const random = new Random(seed);
  let value = 0;
  const values = Array.from({ length: count }, () => (value += random.normal()));
  return (i) => at(values, i);
}

describe('a forecast (M7)', () => {
  test('goes on with a season, with quantiles in order for every step, and says what it has to beat', async () => {
    const { data } = await forecast({ series: [seriesOf(70, weekly)], horizon: 14 });
    expect(resultDataSchemas['precognition.forecast'].parse(data)).toEqual(data);
    const series = at(data.series, 0);
    series.q50.forEach((value, step) => {
      expect(Math.abs(value - weekly(70 + step))).toBeLessThan(1.5);
      expect(series.q10[step]).toBeLessThanOrEqual(value);
      expect(series.q90[step]).toBeGreaterThanOrEqual(value);
      expect(series.seasonalNaive[step]).toBeCloseTo(weekly(70 + step));
    });
    expect(series.q50).toHaveLength(14);
    expect(series.times[13]).toBe('2026-03-25');
  });

  test('of a series without a season has to beat its last value', async () => {
    const { data } = await forecast({ series: [seriesOf(80, walk(1, 80))], horizon: 3 });
    const last = walk(1, 80)(79);
    expect(at(data.series, 0).seasonalNaive).toEqual([last, last, last]);
    expect(at(data.series, 0).naiveError).toBeGreaterThan(0.5);
  });

  test('every series is forecast for itself: others beside it change nothing', async () => {
    const one = seriesOf(30, (i) => i * 2);
    const two = { ...seriesOf(50, weekly, 'b'), times: days(50, 7) };
    const together = await forecast({ series: [one, two], horizon: 5 });
    const alone = await forecast({ series: [two], horizon: 5 });
    expect(together.data.series[1]).toEqual(alone.data.series[0]);
  });

  test('sessions that are answered together get what each gets alone', async () => {
    const random = new Random(4);
    const inputs = Array.from({ length: 12 }, () =>
      precognition.encode({ impressions: simulateSession(random) }, runtime),
    );
    const together = await predict(inputs);
    for (const [i, session] of inputs.entries()) {
      const [alone = {}] = await predict([session]);
      const [expected, found] = [entry(alone, 'parts').values, entry(at(together, i), 'parts').values];
      expect(found).toHaveLength(expected.length);
      found.forEach((value, k) => {
        expect(Math.abs(value - at(expected, k))).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(value)));
      });
    }
  });

  test("the person's own forecast stands beside the model's with how far they lie apart, and changes nothing else", async () => {
    const series = [seriesOf(30, weekly)];
    const without = await forecast({ series, horizon: 3 });
    const q50 = at(without.data.series, 0).q50;
    const beside = await forecast({ series, horizon: 3, forecast: [{ name: 'a', values: q50 }] });
    const { own, divergence, ...rest } = at(beside.data.series, 0);
    expect(own).toEqual(q50);
    expect(divergence).toBeCloseTo(0, 10);
    expect(rest).toEqual(without.data.series[0]);
    expect(beside.confidenceScore).toBe(without.confidenceScore);
  });

  test('of a rising series rises, and says so', async () => {
    const rising = await forecast({ series: [seriesOf(40, (i) => 3 * i + Math.sin(i * i))], horizon: 6 });
    expect(rising.data.summary).toContain('above');
    expect(rising.confidenceScore).toBeGreaterThan(0.8);
  });

  test('of rain never falls below none', async () => {
    const random = new Random(2);
    const wet = seriesOf(200, () => (random.chance(0.3) ? Math.exp(random.normal()) : 0));
    const { data } = await forecast({ series: [wet], horizon: 10 });
    expect(Math.min(...at(data.series, 0).q10)).toBe(0);
    expect(Math.max(...at(data.series, 0).q90)).toBeGreaterThan(0);
  });

  test('may have gaps in its history, at both ends too', async () => {
    const { data } = await forecast({
      series: [seriesOf(60, (i) => (i === 0 || i === 59 || i % 5 === 2 ? null : weekly(i)))],
      horizon: 7,
    });
    expect(at(data.series, 0).q50.every(Number.isFinite)).toBe(true);
  });
});

describe('series at the edge (M7)', () => {
  test('a constant one is expected to stay, the surer the longer it stayed and the less far ahead', async () => {
    const constant = (count: number, horizon: number) => forecast({ series: [seriesOf(count, () => 5)], horizon });
    const { data, confidenceScore } = await constant(9, 2);
    expect(at(data.series, 0)).toMatchObject({ q10: [5, 5], q50: [5, 5], q90: [5, 5], seasonalNaive: [5, 5] });
    expect(data.summary).toContain('end at its last value');
    expect(confidenceScore).toBeCloseTo(10 / 12);
    expect((await constant(99, 2)).confidenceScore).toBeGreaterThan(confidenceScore);
    expect((await constant(9, 20)).confidenceScore).toBeLessThan(confidenceScore);
  });

  test('two values and a horizon five times as long are enough, and huge and tiny numbers stay finite', async () => {
    const ends: [number, (i: number) => number, number][] = [
      [2, (i) => i + 1, 10],
      [3, (i) => i % 2, 15],
      [9, (i) => 1e100 * (i % 3), 2],
      [9, (i) => 1e-100 * (i % 3), 2],
      [50, (i) => (i < 49 ? 0 : 1), 5],
    ];
    for (const [count, valueAt, horizon] of ends) {
      const { data, confidenceScore } = await forecast({ series: [seriesOf(count, valueAt)], horizon });
      const { q10, q50, q90, naiveError } = at(data.series, 0);
      expect([...q10, ...q50, ...q90, naiveError, confidenceScore].every(Number.isFinite)).toBe(true);
    }
  });

  test('fifty series of 20,000 values are read from their ends', async () => {
    const times = Array.from({ length: 20_000 }, (_, i) =>
      new Date(Date.UTC(2000, 0, 1) + i * 3_600_000).toISOString(),
    );
    const random = new Random(1);
    const series = Array.from({ length: 50 }, (_, s) => ({
      name: `series ${s}`,
      times,
      values: times.map((_, i) => Math.sin((2 * Math.PI * i) / 24) + random.normal(0, 0.3)),
    }));
    const { data } = await forecast({ series, horizon: 24 });
    expect(data.series).toHaveLength(50);
    expect(at(data.series, 49).times[0]).toBe(new Date(Date.UTC(2000, 0, 1) + 20_000 * 3_600_000).toISOString());
  });
});

describe('an event (M7)', () => {
  const ask = async (event: Omit<ForecastEvent, 'series'>, valueAt = walk(7, 120)) => {
    const { data, confidenceScore } = await forecast({
      series: [seriesOf(120, valueAt)],
      horizon: 12,
      event: { series: 'a', ...event },
    });
    if (data.event === undefined) throw new Error('No event');
    return { ...data.event, confidenceScore, data };
  };
  const last = walk(7, 120)(119);

  test('is the less probable the further off it lies, and both sides make one', async () => {
    const above = [-20, -3, 0, 3, 20].map((offset) =>
      ask({ direction: 'above', value: last + offset, when: 'at_end' }),
    );
    const probabilities = (await Promise.all(above)).map(({ probability }) => probability);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(at(probabilities, 0)).toBeGreaterThan(0.95);
    expect(at(probabilities, 4)).toBeLessThan(0.05);
    const below = await ask({ direction: 'below', value: last + 3, when: 'at_end' });
    expect(below.probability + at(probabilities, 3)).toBeCloseTo(1, 9);
  });

  test('at any time within the horizon is more probable than at its end, on a random walk about twice', async () => {
    const [atEnd, within] = await Promise.all(
      (['at_end', 'within'] as const).map((when) => ask({ direction: 'above', value: last + 4, when })),
    );
    // The reflection principle: a walk that was once above is at the end as likely above as below.
    expect((within?.probability ?? 0) / (atEnd?.probability ?? 1)).toBeGreaterThan(1.3);
    expect((within?.probability ?? 0) / (atEnd?.probability ?? 1)).toBeLessThan(2.8);
  });

  test('on a random walk is a coin toss from where it stands', async () => {
    const { probability, confidenceScore } = await ask({ direction: 'above', value: last, when: 'at_end' });
    expect(Math.abs(probability - 0.5)).toBeLessThan(0.15);
    expect(confidenceScore).toBeLessThan(0.65);
  });

  test('stands beside how often the history held it, and that is the chance that is shown', async () => {
    const held = await ask({ direction: 'above', value: 12, when: 'at_end' }, weekly);
    expect(held.baseRate).toBeCloseTo(2 / 7, 1);
    expect(held.data.chance.value).toBe(held.baseRate);
    expect(held.data.summary).toContain('probability');
    const within = await ask({ direction: 'above', value: 12, when: 'within' }, weekly);
    expect(within.baseRate).toBe(1);
    expect(within.probability).toBeGreaterThan(0.9);
  });

  test('of a constant series is as likely as a change', async () => {
    const { probability } = await ask({ direction: 'above', value: 5, when: 'within' }, () => 5);
    expect(probability).toBeCloseTo((1 - 121 / 133) / 2);
  });
});

test('what is observed of a session are small numbers, none of them a value (M8, I5)', async () => {
  const impressions = { series: [seriesOf(70, (i) => 12_345 + weekly(i))], horizon: 5 };
  const inputs = precognition.encode({ impressions }, runtime);
  const [outputs = {}] = await predict([inputs]);
  const observed = precognition.observe({ input: { impressions }, inputs, outputs });
  expect(observed).toMatchObject({ series: 1, length: 70, period: 7, horizon: 5 });
  expect(Object.values(observed).every((value) => Number.isFinite(value) && Math.abs(value) < 1_000)).toBe(true);
});
