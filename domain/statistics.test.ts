import { expect, test } from '@jest/globals';
import { adjustedRandIndex, areaUnderCurve, averageRanks } from './statistics.ts';

test('the adjusted Rand index says how far groups agree beyond chance, whatever they are called', () => {
  expect(adjustedRandIndex(['a', 'a', 'b', 'b'], ['1', '1', '0', '0'])).toBe(1);
  expect(adjustedRandIndex(['a', 'a', 'b', 'b'], ['1', '0', '1', '0'])).toBeCloseTo(-0.5);
  // The example of Hubert and Arabie's index in the documentation of scikit-learn.
  expect(adjustedRandIndex(['0', '0', '1', '1'], ['0', '0', '1', '2'])).toBeCloseTo(0.5714, 4);
  expect(adjustedRandIndex(['a'], ['a'])).toBeNull();
});

test('names that hold commas are not taken for one another by the adjusted Rand index', () => {
  const [a, b] = [
    ['x,y', 'x', 'x,y', 'x'],
    ['z', 'y,z', 'z', 'w'],
  ];
  expect(adjustedRandIndex(a, b)).toBeCloseTo(adjustedRandIndex([0, 1, 0, 1], [0, 1, 0, 2]) ?? NaN, 12);
});

test('the area under the curve is 1 for a perfect order, 0 for a reversed one and a half for ties', () => {
  const claims = [0.1, 0.2, 0.8, 0.9].map((probability, i) => ({ probability, right: i >= 2 }));
  expect(areaUnderCurve(claims)).toBe(1);
  expect(areaUnderCurve(claims.map(({ probability, right }) => ({ probability: 1 - probability, right })))).toBe(0);
  expect(areaUnderCurve(claims.map(({ right }) => ({ probability: 0.5, right })))).toBe(0.5);
});

test('equal values share their mean rank', () => {
  expect(averageRanks([3, 1, 3, 2])).toEqual([3.5, 1, 3.5, 2]);
});
