import { describe, expect, test } from '@jest/globals';
import { at } from '../sequence.ts';
import { levels, partCount, probabilityBelow, quantilesOf, rowLength } from './distribution.ts';

describe('a distribution (M7)', () => {
  const row = Float32Array.from({ length: rowLength }, (_, i) => (i % partCount === 0 ? 10 : (i % partCount) / 2));

  test('has quantiles that add up from its middle outwards and cannot cross', () => {
    expect(quantilesOf(row, 'value')).toEqual([7, 8.5, 9.5, 10, 12, 14.5, 17.5]);
    for (const quantity of ['highest', 'lowest'] as const) {
      const quantiles = quantilesOf(row, quantity);
      expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
    }
  });

  test('says of each quantile its level, in between what lies between, and beyond less and less', () => {
    const quantiles = quantilesOf(row, 'value');
    quantiles.forEach((quantile, i) => {
      expect(probabilityBelow(quantiles, quantile)).toBeCloseTo(at(levels, i), 9);
    });
    const values = Array.from({ length: 60 }, (_, i) => i - 10);
    const probabilities = values.map((value) => probabilityBelow(quantiles, value));
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => a - b));
    expect(at(probabilities, 0)).toBeGreaterThan(0);
    expect(at(probabilities, 0)).toBeLessThan(0.001);
    expect(probabilityBelow(quantiles, 100)).toBeGreaterThan(0.999);
  });
});
