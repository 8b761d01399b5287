import { type Points, valueAt, wholeAt } from './points.ts';

/** So many nearest rows are known of every row, or all others of a smaller table. */
const mostNeighbours = 5;

export interface Neighbours {
  /** How many there are of each row. */
  readonly each: number;
  /** [rows, each], nearest first. */
  readonly rows: Int32Array;
  /** Squared, likewise. */
  readonly distances: Float64Array;
}

/** The nearest other rows of every row. */
export function neighboursOf({ count, dimensions, values }: Points): Neighbours {
  const each = Math.min(mostNeighbours, count - 1);
  const rows = new Int32Array(count * each);
  const distances = new Float64Array(count * each).fill(Infinity);
  const insert = (row: number, other: number, distance: number) => {
    let slot = (row + 1) * each - 1;
    for (; slot > row * each && valueAt(distances, slot - 1) > distance; slot--) {
      distances[slot] = valueAt(distances, slot - 1);
      rows[slot] = wholeAt(rows, slot - 1);
    }
    distances[slot] = distance;
    rows[slot] = other;
  };
  for (let row = 0; row < count; row++) {
    for (let other = 0; other < row; other++) {
      let distance = 0;
      for (let d = 0; d < dimensions; d++) {
        const difference = valueAt(values, row * dimensions + d) - valueAt(values, other * dimensions + d);
        distance += difference * difference;
      }
      if (distance < valueAt(distances, (row + 1) * each - 1)) insert(row, other, distance);
      if (distance < valueAt(distances, (other + 1) * each - 1)) insert(other, row, distance);
    }
  }
  return { each, rows, distances };
}
