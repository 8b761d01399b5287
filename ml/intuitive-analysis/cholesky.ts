import { valueAt } from './points.ts';

/** The lower triangle L of a positive definite matrix [d, d] with L·Lᵀ the matrix (Golub, Van Loan, 4.2). */
export function choleskyOf(matrix: Float64Array, d: number): Float64Array {
  const lower = matrix.slice();
  choleskyIn(lower, d);
  return lower;
}

/** The same in place of the matrix. */
export function choleskyIn(matrix: Float64Array, d: number): void {
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = valueAt(matrix, i * d + j);
      for (let k = 0; k < j; k++) sum -= valueAt(matrix, i * d + k) * valueAt(matrix, j * d + k);
      matrix[i * d + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / valueAt(matrix, j * d + j);
    }
    matrix.fill(0, i * d + i + 1, (i + 1) * d);
  }
}

/** Solves L·x = b in place for the row of `rows` that begins at `offset`. */
export function solveLower(lower: Float64Array, d: number, rows: Float64Array, offset: number): void {
  for (let i = 0; i < d; i++) {
    let sum = valueAt(rows, offset + i);
    for (let k = 0; k < i; k++) sum -= valueAt(lower, i * d + k) * valueAt(rows, offset + k);
    rows[offset + i] = sum / valueAt(lower, i * d + i);
  }
}

/** Solves Lᵀ·x = b in place, likewise. */
export function solveUpper(lower: Float64Array, d: number, rows: Float64Array, offset: number): void {
  for (let i = d - 1; i >= 0; i--) {
    let sum = valueAt(rows, offset + i);
    for (let k = i + 1; k < d; k++) sum -= valueAt(lower, k * d + i) * valueAt(rows, offset + k);
    rows[offset + i] = sum / valueAt(lower, i * d + i);
  }
}

/** The logarithm of the determinant of the matrix that L is of. */
export function logDeterminant(lower: Float64Array, d: number): number {
  let sum = 0;
  for (let i = 0; i < d; i++) sum += 2 * Math.log(valueAt(lower, i * d + i));
  return sum;
}
