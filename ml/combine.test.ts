import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ModelResult, resultDataSchemas } from '../domain/results.ts';
import { listBundledArtefacts } from './artefact.ts';
import { openBackend } from './backend.ts';
import { combine } from './combine.ts';
import { createInference } from './inference.ts';
import { sessions } from './sessions.fixture.ts';

const model = { name: 'dowsing', version: '1.0.0', backend: 'wasm' };
const common = { model, chance: { value: 0.5, meaning: 'A coin.' }, summary: 'It says so.', limits: 'It may err.' };

function answer([yes, no, unclear]: readonly [number, number, number], version: string): ModelResult {
  const interval: [number, number] = [yes - 0.1, yes + 0.1];
  const data = { ...common, model: { ...model, version }, yes, no, unclear, interval };
  return { resultType: 'dowsing.answer', confidenceScore: Math.max(yes, no, unclear), data };
}

function objects(named: Record<string, number>): ModelResult {
  const list = Object.entries(named).map(([name, probability]) => ({ name, probability }));
  return {
    resultType: 'remote_viewing.objects',
    confidenceScore: 0.9,
    data: { ...common, objects: list, classes: Object.keys(named) },
  };
}

function forecast(q50: number[], divergence: number, confidenceScore: number): ModelResult {
  const [q10, q90] = [q50.map((value) => value - 1), q50.map((value) => value + 3)];
  const times = q50.map((_, i) => `2026-01-0${i + 1}`);
  const series = [{ name: 's', times, q10, q50, q90, own: q50, divergence, seasonalNaive: q50, naiveError: 1 }];
  return { resultType: 'precognition.forecast', confidenceScore, data: { ...common, series } };
}

describe('the answers of several models (M1)', () => {
  test('have the mean of their probabilities, and the confidence of the headline that comes out', () => {
    const [combined] = combine([[answer([0.8, 0.1, 0.1], '1.0.0')], [answer([0.1, 0.7, 0.2], '1.1.0')]]);
    if (combined?.resultType !== 'dowsing.answer') throw new Error('No answer');
    expect(combined.data.yes).toBeCloseTo(0.45);
    expect(combined.data.no).toBeCloseTo(0.4);
    expect(combined.data.unclear).toBeCloseTo(0.15);
    expect(combined.data.interval[0]).toBeCloseTo(0.35);
    expect(combined.confidenceScore).toBeCloseTo(0.45);
    expect(combined.data.summary).toBe('Taken together, 2 models point most to "yes" (45%).');
    expect(combined.data.model).toEqual({ name: 'dowsing', version: '1.0.0 + 1.1.0', backend: 'wasm' });
  });

  test('give no probability to a name that only others name', () => {
    const [combined] = combine([[objects({ boat: 0.9, house: 0.1 })], [objects({ house: 0.6, tree: 0.4 })]]);
    if (combined?.resultType !== 'remote_viewing.objects') throw new Error('No objects');
    expect(combined.data.objects.map(({ name }) => name)).toEqual(['boat', 'house']);
    expect(combined.data.objects.map(({ probability }) => Math.round(100 * probability))).toEqual([45, 35]);
  });

  test('have the mean of each quantile at each step', () => {
    const [combined] = combine([[forecast([1, 2], 0.2, 0.6)], [forecast([3, 8], 0.4, 0.8)]]);
    if (combined?.resultType !== 'precognition.forecast') throw new Error('No forecast');
    expect(combined.confidenceScore).toBeCloseTo(0.7);
    expect(combined.data.series).toMatchObject([{ q10: [1, 4], q50: [2, 5], q90: [5, 8] }]);
    expect(combined.data.series[0]?.divergence).toBeCloseTo(0.3);
  });

  test('stay as they are when there is only one of a kind', () => {
    const alone = [answer([0.8, 0.1, 0.1], '1.0.0'), objects({ boat: 1 })];
    expect(combine([alone])).toEqual(alone);
    expect(combine([])).toEqual([]);
  });

  let analyzed: ModelResult[][] = [];
  beforeAll(async () => {
    const inference = createInference(await openBackend('wasm'), 1024 ** 3);
    const artefacts = await listBundledArtefacts();
    for (const artefact of artefacts) await inference.load(artefact);
    for (const session of sessions) {
      const artefact = artefacts.find(({ name }) => name === session.sessionType);
      const [said] = (await inference.analyze(artefact?.sha256 ?? '', [session])) ?? [];
      if (said?.kind === 'analysis') analyzed = [...analyzed, said.analysis.results];
    }
  });

  test('of the same mind say together what each says alone, in the shapes of the contract', () => {
    expect(analyzed).toHaveLength(sessions.length);
    for (const results of analyzed) {
      const combined = combine([results, results, results]);
      expect(combined.map(({ resultType }) => resultType)).toEqual(results.map(({ resultType }) => resultType));
      combined.forEach(({ resultType, data }, i) => {
        expect(resultDataSchemas[resultType].parse(data)).toEqual(data);
        expect(data.summary).toMatch(/^(Taken together, 3|Of 3) models/);
        expect(rounded({ ...data, summary: '' })).toEqual(rounded({ ...results[i]?.data, summary: '' }));
      });
    }
  });
});

/** The same with every number cut to what three equal summands keep. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'number' ? part.toFixed(6) : part)));
}
