import { expect, test } from '@jest/globals';
import { meanOf } from '../domain/statistics.ts';
import { Random } from './random.ts';

test('the same seed gives the same numbers and another seed gives others, so that a training can be made again', () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 20 }, () => random.normal());
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
});

test('numbers are spread as they say: even ones evenly, normal ones with mean 0 and deviation 1', () => {
  const random = new Random(1);
  const even = Array.from({ length: 20_000 }, () => random.uniform(2, 4));
  expect(meanOf(even)).toBeCloseTo(3, 1);
  expect(Math.min(...even)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...even)).toBeLessThan(4);
  const normal = Array.from({ length: 20_000 }, () => random.normal());
  expect(Math.abs(meanOf(normal))).toBeLessThan(0.03);
  expect(meanOf(normal.map((value) => value * value))).toBeCloseTo(1, 1);
});

test('a permutation holds every number once, and picking from nothing is an error', () => {
  const random = new Random(2);
  expect(random.permutation(100).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(() => random.pick([])).toThrow(RangeError);
});
