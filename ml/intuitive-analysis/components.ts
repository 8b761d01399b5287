import { Random } from '../random.ts';
import { type Points, valueAt } from './points.ts';

/** The most principal components that are looked at. */
export const mostComponents = 6;

const [rounds, settled] = [40, 1e-5];

/** The covariance of points, [dimensions, dimensions], which have mean 0. */
export function covarianceOf({ count, dimensions, values }: Points): Float64Array {
  const covariance = new Float64Array(dimensions * dimensions);
  for (let row = 0; row < count; row++) {
    const offset = row * dimensions;
    for (let i = 0; i < dimensions; i++) {
      const value = valueAt(values, offset + i) / count;
      if (value === 0) continue;
      for (let j = 0; j <= i; j++) {
        covariance[i * dimensions + j] = valueAt(covariance, i * dimensions + j) + value * valueAt(values, offset + j);
      }
    }
  }
  for (let i = 0; i < dimensions; i++) {
    for (let j = 0; j < i; j++) covariance[j * dimensions + i] = valueAt(covariance, i * dimensions + j);
  }
  return covariance;
}

/**
 * The first principal directions from a covariance [d, d], by orthogonal iteration (Golub, Van Loan, 8.2.4): rows of
 * [count, d]. The sign of each is such that its largest entry is positive.
 */
export function principalDirections(covariance: Float64Array, d: number, count: number): Float64Array {
  const random = new Random(11);
  let rows = Float64Array.from({ length: count * d }, () => random.normal());
  orthonormalise(rows, d);
  for (let round = 0; round < rounds; round++) {
    const next = new Float64Array(count * d);
    for (let c = 0; c < count; c++) {
      for (let i = 0; i < d; i++) {
        let sum = 0;
        for (let j = 0; j < d; j++) sum += valueAt(covariance, i * d + j) * valueAt(rows, c * d + j);
        next[c * d + i] = sum;
      }
    }
    orthonormalise(next, d);
    let least = 1;
    for (let c = 0; c < count; c++) least = Math.min(least, Math.abs(dot(next, c, rows, c, d)));
    rows = next;
    if (least > 1 - settled) break;
  }
  for (let c = 0; c < count; c++) {
    const row = rows.subarray(c * d, (c + 1) * d);
    const largest = row.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    if (largest < 0) row.forEach((value, i) => (row[i] = -value));
  }
  return rows;
}

/** Points along directions [count, dimensions]. */
export function project({ count, dimensions, values }: Points, directions: Float64Array): Points {
  const kept = directions.length / dimensions;
  const along = new Float64Array(count * kept);
  for (let row = 0; row < count; row++) {
    for (let c = 0; c < kept; c++) along[row * kept + c] = dot(values, row, directions, c, dimensions);
  }
  return { count, dimensions: kept, values: along };
}

/** The product of row i of one matrix and row j of another, both d wide. */
function dot(a: Float64Array, i: number, b: Float64Array, j: number, d: number): number {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += valueAt(a, i * d + k) * valueAt(b, j * d + k);
  return sum;
}

/** Gram and Schmidt, in place, over rows d wide; a row that nothing is left of becomes zero. */
function orthonormalise(rows: Float64Array, d: number): void {
  for (let c = 0; c < rows.length / d; c++) {
    for (let earlier = 0; earlier < c; earlier++) {
      const along = dot(rows, c, rows, earlier, d);
      for (let i = 0; i < d; i++) rows[c * d + i] = valueAt(rows, c * d + i) - along * valueAt(rows, earlier * d + i);
    }
    const length = Math.sqrt(dot(rows, c, rows, c, d));
    for (let i = 0; i < d; i++) rows[c * d + i] = length > 1e-9 ? valueAt(rows, c * d + i) / length : 0;
  }
}
