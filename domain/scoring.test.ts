import { describe, expect, test } from '@jest/globals';
import type { OutcomeOf } from './outcomes.ts';
import { distanceKm } from './places.ts';
import { type Scorecard, scoreSession, type StoredResult } from './scoring.ts';

const model = { name: 'm', version: '1.0.0', backend: 'js' };
const common = { model, chance: { value: 0, meaning: '' }, summary: '', limits: '' };
const cue = 'c';

const valueOf = ({ scores }: Scorecard, name: string) => scores.find((score) => score.name === name);

describe('a viewing (M5)', () => {
  const content = { sessionType: 'remote_viewing', cue } as const;
  const match = (scores: Record<string, number>): StoredResult => ({
    resultType: 'remote_viewing.match',
    confidenceScore: 0.6,
    data: {
      ...common,
      ranking: Object.entries(scores)
        .toSorted(([, a], [, b]) => b - a)
        .map(([id, score], i) => ({ id, score, rank: i + 1, accuracy: 0, reliability: 0, figureOfMerit: 0 })),
    },
  });
  const score = (targetId: string, result: StoredResult) =>
    scoreSession({ sessionType: 'remote_viewing', content, outcome: { targetId } }, [result]);

  test('counts by the rank of its target; ranked first it is a hit, which chance gives one in R', () => {
    const ranked = match({ a: 0.6, b: 0.2, c: 0.1, d: 0.1 });
    const hit = score('a', ranked);
    expect(valueOf(hit, 'rank')).toMatchObject({ value: 1, chance: 2.5 });
    expect(hit.trial).toEqual({ hit: true, chance: 0.25 });
    expect(valueOf(hit, 'brier')?.value).toBeCloseTo(0.16);
    expect(valueOf(hit, 'brier')?.chance).toBeCloseTo(0.5625);
    expect(valueOf(hit, 'log_score')?.value).toBeCloseTo(-Math.log(0.6));
    const miss = score('b', ranked);
    expect(valueOf(miss, 'rank')?.value).toBe(2);
    expect(miss.trial).toEqual({ hit: false, chance: 0.25 });
  });

  test('that cannot tell its targets apart wins nothing by their order', () => {
    const level = score('a', match({ a: 0.25, b: 0.25, c: 0.25, d: 0.25 }));
    expect(valueOf(level, 'rank')).toMatchObject({ value: 2.5, chance: 2.5 });
    expect(level.trial?.hit).toBe(false);
  });

  test('without a pool counts by the first object named, one trial a session', () => {
    const classes = ['boat', 'tree', 'house', 'star'];
    const objects: StoredResult = {
      resultType: 'remote_viewing.objects',
      confidenceScore: 0.5,
      data: { ...common, objects: [{ name: 'boat', probability: 0.5 }], classes },
    };
    const outcome = { objects: ['boat', 'tree'], words: ['a harbour'] };
    const card = scoreSession({ sessionType: 'remote_viewing', content, outcome }, [objects]);
    expect(card.trial).toEqual({ hit: true, chance: 0.5 });
  });
});

describe('an answer (M6)', () => {
  const said = (yes: number, no: number): StoredResult => ({
    resultType: 'dowsing.answer',
    confidenceScore: 0.5,
    data: { ...common, yes, no, unclear: 1 - yes - no, interval: [0, 1] },
  });
  const score = (answer: 'yes' | 'no', result: StoredResult) =>
    scoreSession({ sessionType: 'dowsing', content: { sessionType: 'dowsing', cue }, outcome: { answer } }, [result]);

  test('is a hit against a coin toss; what was unclear is split over both', () => {
    const card = score('yes', said(0.7, 0.1));
    expect(card.trial).toEqual({ hit: true, chance: 0.5 });
    expect(card.claim?.claimed).toBeCloseTo(0.8);
    expect(valueOf(card, 'brier')).toMatchObject({ chance: 0.25 });
    expect(valueOf(card, 'brier')?.value).toBeCloseTo(0.04);
    expect(score('no', said(0.7, 0.1)).trial?.hit).toBe(false);
  });

  test('that was unclear is no trial, though its probability is scored', () => {
    const card = score('yes', said(0.2, 0.2));
    expect(card.trial).toBeNull();
    expect(valueOf(card, 'brier')?.value).toBeCloseTo(0.25);
  });
});

describe('a location (M6)', () => {
  /** A grid of 10 x 10 cells over the antimeridian, the south-western ones first. */
  const cells = Array.from({ length: 100 }, (_, i) => {
    const lon = 179.55 + (i % 10) / 10;
    return { lon: lon > 180 ? lon - 360 : lon, lat: -0.45 + Math.floor(i / 10) / 10, probability: 0.01 };
  });
  const result: StoredResult = {
    resultType: 'dowsing.location',
    confidenceScore: 0.4,
    data: { ...common, cells, best: { lon: 179.55, lat: -0.45 }, area50Km2: 1, area90Km2: 2 },
  };
  const score = (lon: number, lat: number) =>
    scoreSession(
      { sessionType: 'dowsing', content: { sessionType: 'dowsing', cue }, outcome: { location: { lon, lat } } },
      [result],
    );

  test('is a hit in the best tenth, on either side of the antimeridian, and chance is the share of the area', () => {
    expect(score(179.55, -0.45).trial?.hit).toBe(true);
    expect(score(-179.55, -0.45).trial?.hit).toBe(true);
    expect(score(-179.55, -0.25).trial?.hit).toBe(false);
    expect(score(179.55, -0.45).trial?.chance).toBeCloseTo(0.1, 3);
  });

  test('is as far as it is along the globe, beside the distance of the centre', () => {
    const distance = valueOf(score(-179.55, 0.45), 'distance_km');
    expect(distance?.value).toBeCloseTo(distanceKm({ lon: 0, lat: -0.45 }, { lon: 0.9, lat: 0.45 }), 6);
    expect((distance?.chance ?? 0) / (distance?.value ?? 1)).toBeCloseTo(0.5, 4);
    expect(distanceKm({ lon: 0, lat: 0 }, { lon: 180, lat: 0 })).toBeCloseTo(Math.PI * 6371, 6);
  });

  test('whose truth lies outside the region is a miss', () => {
    expect(score(0, 50).trial?.hit).toBe(false);
    expect(score(179.55, 3).trial?.hit).toBe(false);
  });
});

describe('a forecast (M7)', () => {
  const series = {
    name: 's',
    times: ['a', 'b'],
    q10: [0, 0],
    q50: [2, 2],
    q90: [4, 4],
    own: [1, 1],
    seasonalNaive: [5, 5],
    naiveError: 2,
  };
  const event = {
    series: 's',
    direction: 'above',
    value: 2.5,
    when: 'within',
    probability: 0.8,
    baseRate: 0.6,
  } as const;
  const result: StoredResult = {
    resultType: 'precognition.forecast',
    confidenceScore: 0.5,
    data: { ...common, series: [series], event },
  };
  const score = (values: (number | null)[]) =>
    scoreSession(
      {
        sessionType: 'precognition',
        content: { sessionType: 'precognition', cue },
        outcome: { series: [{ name: 's', values }] },
      },
      [result],
    );

  test("is scaled by the history's own error, beside the seasonal-naive forecast and the person's own", () => {
    const card = score([1, 3]);
    expect(valueOf(card, 'mase')).toMatchObject({ value: 0.5, chance: 1.5 });
    expect(valueOf(card, 'own_mase')).toMatchObject({ value: 0.5, chance: 1.5 });
    // Of 1 and 3 the quantiles 0, 2, 4 lose 0.1, 0.5, 0.3 and 0.3, 0.5, 0.1.
    expect(valueOf(card, 'pinball')?.value).toBeCloseTo(1.8 / 6);
    expect(valueOf(card, 'interval_cover')).toMatchObject({ value: 1, chance: 0.8 });
  });

  test('counts the steps that are known alone', () => {
    expect(valueOf(score([null, 3]), 'mase')).toMatchObject({ value: 0.5, chance: 1 });
    expect(score([null, null]).scores).toEqual([]);
  });

  test("of an event is a hit when what was likelier came; chance is the history's own rate", () => {
    expect(score([1, 3]).trial).toEqual({ hit: true, chance: 0.6 });
    expect(score([1, 2]).trial).toEqual({ hit: false, chance: 0.6 });
    expect(score([1, null]).trial).toBeNull();
    expect(score([3, null]).trial).toEqual({ hit: true, chance: 0.6 });
  });
});

describe('patterns (M8)', () => {
  const patterns = (labels: readonly number[]): StoredResult => {
    return {
      resultType: 'intuitive_analysis.patterns',
      confidenceScore: 0.5,
      data: {
        ...common,
        clusters: { labels, count: new Set(labels).size, stability: 1 },
        anomalies: [0.1, 0.9, 0.2, 0.9].map((anomaly, row) => ({ row, score: anomaly, because: [] })),
        importance: [],
        similar: [],
        map: [],
      },
    };
  };
  const score = (labels: readonly number[], outcome: OutcomeOf<'intuitive_analysis'>) =>
    scoreSession({ sessionType: 'intuitive_analysis', content: { sessionType: 'intuitive_analysis', cue }, outcome }, [
      patterns(labels),
    ]);

  test('find anomalies as far as these score above the other rows', () => {
    const card = score([0, 0, 1, 1], { groups: ['x', 'x', 'y', null], anomalies: [1] });
    expect(valueOf(card, 'adjusted_rand')).toMatchObject({ value: 1, chance: 0 });
    expect(valueOf(card, 'anomaly_auroc')?.value).toBeCloseTo(2.5 / 3);
    expect(card.trial).toBeNull();
  });

  test('gain nothing over chance where all rows are of one group and were put in one', () => {
    expect(valueOf(score([0, 0, 0, 0], { groups: ['x', 'x', 'x', 'x'] }), 'adjusted_rand')?.value).toBe(0);
    expect(valueOf(score([0, 0, 1, 1], { groups: ['a', null, null, null] }), 'adjusted_rand')?.value).toBe(0);
  });
});

test('a result that is missing or of another form is not scored', () => {
  const outcome = { answer: 'yes' } as const;
  const content = { sessionType: 'dowsing', cue } as const;
  const old: StoredResult = { resultType: 'dowsing.answer', confidenceScore: 1, data: { perhaps: true } };
  for (const results of [[], [old]]) {
    expect(scoreSession({ sessionType: 'dowsing', content, outcome }, results)).toEqual({
      scores: [],
      trial: null,
      claim: null,
    });
  }
});
