import { describe, expect, test } from '@jest/globals';
import type { ModelResult } from '../domain/results.ts';
import { compare } from './comparison.ts';

const common = {
  model: { name: 'dowsing', version: '1.0.0', backend: 'js' },
  chance: { value: 0.5, meaning: 'a coin toss' },
  summary: 'One sentence.',
  limits: 'Another.',
};

function answer(yes: number, no: number, confidenceScore: number): ModelResult {
  const data = { ...common, yes, no, unclear: 1 - yes - no, interval: [0, 1] as [number, number] };
  return { resultType: 'dowsing.answer', confidenceScore, data };
}

function location(lon: number, lat: number): ModelResult {
  const data = { ...common, cells: [], best: { lon, lat }, area50Km2: 100 * 100 * Math.PI, area90Km2: 1 };
  return { resultType: 'dowsing.location', confidenceScore: 0.5, data };
}

const agreed = (one: ModelResult, other: ModelResult) => compare([one], [other])[0]?.agreed;

describe('comparing a shadow with what was answered (M2)', () => {
  test('looks at what stands first, and at how far the confidence lies apart', () => {
    const [compared] = compare([answer(0.6, 0.2, 0.5)], [answer(0.9, 0.05, 0.75)]);
    expect(compared).toEqual({ resultType: 'dowsing.answer', agreed: true, confidenceDifference: 0.25 });
    expect(agreed(answer(0.6, 0.2, 0.6), answer(0.2, 0.6, 0.6))).toBe(false);
    expect(agreed(answer(0.6, 0.2, 0.6), answer(0.1, 0.1, 0.8))).toBe(false);
  });

  test('takes two places for the same within the area that holds half, across the antimeridian too', () => {
    // A degree on the equator is 111 km; the area's radius is 100 km.
    expect(agreed(location(0, 0), location(0.8, 0))).toBe(true);
    expect(agreed(location(0, 0), location(1, 0))).toBe(false);
    expect(agreed(location(179.8, 0), location(-179.8, 0))).toBe(true);
    expect(agreed(location(0, 80), location(3, 80))).toBe(true);
  });

  test('leaves out a kind of result that only one of them has', () => {
    expect(compare([answer(0.6, 0.2, 0.6)], [location(0, 0)])).toEqual([]);
  });
});
