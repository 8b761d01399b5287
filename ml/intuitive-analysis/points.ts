import { Random } from '../random.ts';

/** Points in a space of a few dimensions, row-major. */
export interface Points {
  readonly count: number;
  readonly dimensions: number;
  readonly values: Float64Array;
}

/**
 * The number at an index that is known to be there: `at` for the one kind of array that the innermost loops read, which
 * the engine then compiles to a plain load.
 *
 * @throws RangeError when it is not there.
 */
export function valueAt(values: Float64Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`There is no number ${index} among ${values.length}`);
  return value;
}

/** The whole number at an index, likewise: the cluster of a row, or a row. */
export function wholeAt(values: Int32Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`There is no number ${index} among ${values.length}`);
  return value;
}

/** Points out of their values, row by row. */
export function pointsOf(values: Float64Array, dimensions: number): Points {
  return { count: values.length / dimensions, dimensions, values };
}

/** Some of the points, in the order of `rows`, copied. */
export function takePoints({ dimensions, values }: Points, rows: readonly number[]): Points {
  const taken = new Float64Array(rows.length * dimensions);
  rows.forEach((row, i) => {
    taken.set(values.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  });
  return { count: rows.length, dimensions, values: taken };
}

/** So many rows at most, drawn the same way every time. */
export function samplePoints(points: Points, most: number): Points {
  if (points.count <= most) return points;
  return takePoints(points, new Random(7).permutation(points.count).slice(0, most));
}

/** The points about their middle: every dimension has mean 0. */
export function centred({ count, dimensions, values }: Points): Points {
  const copy = values.slice();
  for (let d = 0; d < dimensions; d++) {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += valueAt(values, row * dimensions + d);
    for (let row = 0; row < count; row++)
      copy[row * dimensions + d] = valueAt(values, row * dimensions + d) - sum / count;
  }
  return { count, dimensions, values: copy };
}
