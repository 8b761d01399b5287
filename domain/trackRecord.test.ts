import { describe, expect, test } from '@jest/globals';
import { calibrationCurve, hitRecord, meanScores, upperTail, wilsonInterval } from './trackRecord.ts';

const trials = (hits: number, of: number, chance: number) =>
  Array.from({ length: of }, (_, i) => ({ hit: i < hits, chance }));

describe('hits', () => {
  test('stand beside what chance alone would give, with an exact upper tail', () => {
    const record = hitRecord(trials(3, 4, 0.25));
    expect(record).toMatchObject({ trials: 4, hits: 3, expectedByChance: 1, rate: 0.75 });
    // 4 · 0.25³ · 0.75 + 0.25⁴
    expect(record.p).toBeCloseTo(0.05078125, 12);
  });

  test('are weighed by the chance of each session', () => {
    // Both hit, one in two and one in five.
    expect(upperTail([0.5, 0.2], 2)).toBeCloseTo(0.1, 12);
    expect(upperTail([0.5, 0.2], 1)).toBeCloseTo(0.6, 12);
    expect(upperTail([0.5, 0.2], 0)).toBe(1);
  });

  test('of many sessions are still exact: half of a thousand tosses or more is a little more than half', () => {
    const chances = Array.from({ length: 1_000 }, () => 0.5);
    expect(upperTail(chances, 500)).toBeCloseTo(0.5126125, 6);
  });

  test('that are no more than chance gives are no evidence, and none at all make no claim', () => {
    expect(hitRecord(trials(1, 4, 0.25)).p).toBeGreaterThan(0.5);
    expect(hitRecord([])).toEqual({ trials: 0, hits: 0, expectedByChance: 0, p: 1, rate: null, interval: null });
  });

  test('have a rate within an interval that never leaves 0 to 1', () => {
    const [low, high] = wilsonInterval(8, 10);
    expect(low).toBeCloseTo(0.4902, 4);
    expect(high).toBeCloseTo(0.9433, 4);
    expect(wilsonInterval(0, 5)[0]).toBe(0);
    expect(wilsonInterval(5, 5)[1]).toBeCloseTo(1, 12);
  });
});

test('claims are held against how often they came true, those of about the same size together', () => {
  const claims = [0.62, 0.64, 0.68, 0.95, 1].map((claimed, i) => ({ claimed, chance: 0.5, cameTrue: i !== 0 }));
  const curve = calibrationCurve(claims);
  expect(curve.map(({ from, count }) => [from, count])).toEqual([
    [0.6, 3],
    [0.9, 2],
  ]);
  expect(curve[0]?.meanClaimed).toBeCloseTo(0.6467, 4);
  expect(curve[0]?.cameTrue).toBeCloseTo(2 / 3);
});

test('each session counts once in a mean, however many series it has', () => {
  const brier = (value: number) => ({ name: 'brier' as const, of: 'x', value, chance: 0.25, chanceIs: '' });
  expect(meanScores([[brier(0.1), brier(0.3)], [brier(0.4)], []])).toEqual([
    { name: 'brier', sessions: 2, mean: expect.closeTo(0.3), chanceMean: 0.25 },
  ]);
});
