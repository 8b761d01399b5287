import { at } from '../sequence.ts';
import { Random } from '../random.ts';

/** The most principal components that are looked at. */
export const mostComponents = 6;

/**
 * The first principal directions from a covariance matrix [d, d], by orthogonal iteration (Golub, Van Loan, 8.2.4):
 * columns of [d, count], row-major. The sign of each is such that its largest entry is positive.
 */
export function principalDirections(covariance: ArrayLike<number>, d: number, count: number): Float32Array {
  const random = new Random(11);
  let columns = Array.from({ length: count }, () => Array.from({ length: d }, () => random.normal()));
  orthonormalise(columns);
  for (let round = 0; round < 60; round++) {
    const next = columns.map((column) =>
      Array.from({ length: d }, (_, i) => column.reduce((sum, value, j) => sum + at(covariance, i * d + j) * value, 0)),
    );
    orthonormalise(next);
    const moved = next.some((column, c) => Math.abs(dot(column, columns[c] ?? [])) < 1 - 1e-7);
    columns = next;
    if (!moved) break;
  }
  const directions = new Float32Array(d * count);
  columns.forEach((column, c) => {
    const largest = column.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    column.forEach((value, i) => (directions[i * count + c] = largest < 0 ? -value : value));
  });
  return directions;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * at(b, i), 0);
}

/** Gram and Schmidt, in place; a column that nothing is left of becomes zero. */
function orthonormalise(columns: number[][]): void {
  columns.forEach((column, c) => {
    for (const earlier of columns.slice(0, c)) {
      const along = dot(column, earlier);
      earlier.forEach((value, i) => (column[i] = at(column, i) - along * value));
    }
    const length = Math.sqrt(dot(column, column));
    column.forEach((value, i) => (column[i] = length > 1e-9 ? value / length : 0));
  });
}
