import { expect, test } from '@jest/globals';
import { meanOf } from '../../domain/statistics.ts';
import { Random } from '../random.ts';
import { choleskyOf, logDeterminant, solveLower, solveUpper } from './cholesky.ts';
import { likenessOf } from './clusters.ts';
import { covarianceOf, principalDirections } from './components.ts';
import { encode, tableOf } from './encode.ts';
import { labelsOf, look } from './groupings.ts';
import { isolationScores } from './isolationForest.ts';
import { neighboursOf } from './neighbours.ts';
import { pointsOf } from './points.ts';

test('the likeness of groupings is 1 for the same groups under other names and near 0 for groups at random', () => {
  expect(likenessOf([0, 0, 1, 1, 2], [5, 5, 3, 3, 4])).toBe(1);
  const random = new Random(6);
  const draw = () => Array.from({ length: 2_000 }, () => random.int(0, 3));
  expect(Math.abs(likenessOf(draw(), draw()))).toBeLessThan(0.02);
});

test('principal directions are those of a covariance that is known', () => {
  const directions = principalDirections(Float64Array.of(5, 0, 0, 2), 2, 2);
  expect(Math.abs(directions[0] ?? 0)).toBeCloseTo(1, 3);
  expect(Math.abs(directions[3] ?? 0)).toBeCloseTo(1, 3);
});

test('a Cholesky factor solves its matrix and knows its determinant', () => {
  const factor = choleskyOf(Float64Array.of(4, 2, 2, 3), 2);
  const x = Float64Array.of(8, 7);
  solveLower(factor, 2, x, 0);
  solveUpper(factor, 2, x, 0);
  expect(x[0]).toBeCloseTo(1.25, 10);
  expect(x[1]).toBeCloseTo(1.5, 10);
  expect(logDeterminant(factor, 2)).toBeCloseTo(Math.log(8), 10);
});

test('a covariance is that of the points about zero', () => {
  expect(Array.from(covarianceOf(pointsOf(Float64Array.of(1, 2, -1, -2), 2)))).toEqual([1, 2, 2, 4]);
});

test('neighbours are the nearest other points, nearest first', () => {
  const { each, rows, distances } = neighboursOf(pointsOf(Float64Array.of(0, 1, 3, 7), 1));
  expect(each).toBe(3);
  expect(Array.from(rows.subarray(0, 3))).toEqual([1, 2, 3]);
  expect(Array.from(rows.subarray(6, 9))).toEqual([1, 0, 3]);
  expect(Array.from(distances.subarray(6, 9))).toEqual([4, 9, 16]);
});

test('groups that lie side by side, which k-means cuts across, are mostly told apart by the spread that they share', () => {
  const likenesses = { round: [] as number[], stretched: [] as number[] };
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    const groups = Array.from({ length: 200 }, (_, i) => i % 2);
    const rows = groups.map((group) => {
      const along = random.normal();
      return [along, along + 3 * group + random.normal(0, 0.4)];
    });
    const { scores, groupings } = look(tableOf(encode({ dimensions: ['a', 'b'], rows })));
    for (const { clusters } of groupings) {
      if (clusters.sizes.length !== 2) continue;
      likenesses[clusters.shape].push(likenessOf(labelsOf(scores, clusters), groups));
    }
  }
  expect(meanOf(likenesses.stretched)).toBeGreaterThan(0.8);
  expect(meanOf(likenesses.round)).toBeLessThan(0.4);
});

test('an isolation forest gives the highest score to a point that lies alone', () => {
  const random = new Random(9);
  const values = Float64Array.from({ length: 200 }, () => random.normal());
  values.set([8, -8], 100);
  const scores = isolationScores(random, pointsOf(values, 2));
  expect(scores.indexOf(Math.max(...scores))).toBe(50);
  expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
});
