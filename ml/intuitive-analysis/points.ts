import { at } from '../sequence.ts';
/** Points in a space of a few dimensions, row-major. */
export interface Points {
  readonly count: number;
  readonly dimensions: number;
  readonly values: Float32Array;
}

export function pointsOf(values: Float32Array, dimensions: number): Points {
  return { count: values.length / dimensions, dimensions, values };
}

export function takePoints({ dimensions, values }: Points, rows: readonly number[]): Points {
  const taken = new Float32Array(rows.length * dimensions);
  rows.forEach((row, i) => {
    taken.set(values.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  });
  return { count: rows.length, dimensions, values: taken };
}

/** The squared distance between row i of one set and row j of another. */
export function squaredDistance(a: Points, i: number, b: Points, j: number): number {
  const { dimensions } = a;
  let sum = 0;
  for (let d = 0; d < dimensions; d++) {
    const difference = at(a.values, i * dimensions + d) - at(b.values, j * dimensions + d);
    sum += difference * difference;
  }
  return sum;
}
