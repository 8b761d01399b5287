import { expect, test } from '@jest/globals';
import { correlationOf, expectedCalibrationError, findRescaling, medianOf, quantileOf, rescale } from './figures.ts';
import { Random } from './random.ts';

test('claims that come true as often as they say have no calibration error, and bold ones have', () => {
  const fair = Array.from({ length: 10 }, (_, i) => ({ probability: 0.7, right: i < 7 }));
  expect(expectedCalibrationError(fair)).toBeCloseTo(0, 10);
  expect(expectedCalibrationError(fair.map(({ right }) => ({ probability: 0.99, right })))).toBeCloseTo(0.29, 10);
});

test('rescaling takes boldness out of claims', () => {
  const random = new Random(3);
  const claims = Array.from({ length: 4_000 }, () => {
    const truth = random.uniform(0.05, 0.95);
    return { probability: rescale(truth, [2, 0.5]), right: random.chance(truth) };
  });
  const scaling = findRescaling(claims);
  const mended = claims.map(({ probability, right }) => ({ probability: rescale(probability, scaling), right }));
  expect(expectedCalibrationError(mended)).toBeLessThan(0.03);
  expect(expectedCalibrationError(claims)).toBeGreaterThan(0.05);
});

test('quantiles lie between neighbours by a straight line, and a constant correlates with nothing', () => {
  expect(medianOf([4, 1, 2, 3])).toBe(2.5);
  expect(quantileOf([10, 20, 30], 0.25)).toBe(15);
  expect(correlationOf([1, 1, 1], [1, 2, 3])).toBe(0);
  expect(correlationOf([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 10);
});
