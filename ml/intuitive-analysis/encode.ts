import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import { at } from '../sequence.ts';
import { entry, type NamedTensor, type NamedTensors } from '../tensors.ts';
import { type Points, pointsOf, valueAt } from './points.ts';

/** What is looked at as the middle of a column, as shares of its rows. */
const [lowest, highest] = [0.02, 0.98];
/** Beyond so many deviations more makes no difference, and numbers stay small enough to be computed with. */
const farthest = 1e3;

/** Values of a dimension; what is missing becomes the median of the others. */
export function columnOf({ rows }: IntuitiveAnalysisImpressions, dimension: number): Float64Array {
  const values = new Float64Array(rows.length);
  let known = 0;
  for (const row of rows) {
    const value = row[dimension] ?? null;
    if (value !== null) values[known++] = value;
  }
  if (known === rows.length) return values;
  const middle = sortedQuantile(values.subarray(0, known).sort(), 0.5);
  rows.forEach((row, r) => (values[r] = row[dimension] ?? middle));
  return values;
}

/** The value below which a share of sorted values lies, between neighbours by a straight line. */
function sortedQuantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const low = valueAt(sorted, Math.floor(position));
  // Halves first: the difference of two huge numbers is not finite.
  return low + 2 * (valueAt(sorted, Math.ceil(position)) / 2 - low / 2) * (position - Math.floor(position));
}

/** Mean, deviation and skewness of a column, each value held between two bounds. */
function momentsOf(column: Float64Array, low: number, high: number): { mean: number; deviation: number; skew: number } {
  let [sum, squares, cubes] = [0, 0, 0];
  for (const value of column) sum += Math.min(high, Math.max(low, value));
  const mean = sum / column.length;
  for (const value of column) {
    const difference = Math.min(high, Math.max(low, value)) - mean;
    squares += difference ** 2;
    cubes += difference ** 3;
  }
  const deviation = Math.sqrt(squares / column.length);
  return { mean, deviation, skew: deviation > 0 ? cubes / column.length / deviation ** 3 : 0 };
}

/** Moments of the middle of a column: a few rows beyond it must not decide how it is scaled. */
function middleOf(column: Float64Array) {
  const sorted = column.slice().sort();
  return momentsOf(column, sortedQuantile(sorted, lowest), sortedQuantile(sorted, highest));
}

/** From this skewness on amounts (prices, populations, concentrations) are taken in logarithms, if that evens them out. */
const skewed = 1;

/** Shifts and scales a column, in place, so that its middle has mean 0 and deviation 1. */
function standardise(column: Float64Array): void {
  const largest = column.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  column.forEach((value, row) => (column[row] = value / largest));
  let middle = middleOf(column);
  if (middle.skew > skewed && column.every((value) => value > 0)) {
    const logarithms = column.map((value) => Math.log(value));
    const evened = middleOf(logarithms);
    if (Math.abs(evened.skew) < middle.skew / 2) {
      column.set(logarithms);
      middle = evened;
    }
  }
  // A column that hardly ever changes has its few other values outside the middle.
  const { mean, deviation } = middle.deviation > 1e-9 ? middle : momentsOf(column, -Infinity, Infinity);
  column.forEach((value, row) => {
    const scaled = deviation > 0 ? (value - mean) / deviation : 0;
    column[row] = Math.min(farthest, Math.max(-farthest, scaled));
  });
}

/** What the model reads of a table. */
export type EncodedTable = NamedTensors & {
  /** [rows, dimensions]: the middle of every dimension has mean 0 and deviation 1. */
  readonly table: NamedTensor;
  /** [rows, dimensions]: 1 for a value that is there, 0 for one that is missing. */
  readonly present: NamedTensor;
};

/** Every dimension in its own scale, so that none outweighs another by its unit. */
export function encode(impressions: IntuitiveAnalysisImpressions): EncodedTable {
  const { rows, dimensions } = impressions;
  const width = dimensions.length;
  const [values, present] = [new Float32Array(rows.length * width), new Float32Array(rows.length * width)];
  dimensions.forEach((_, d) => {
    const column = columnOf(impressions, d);
    standardise(column);
    column.forEach((value, row) => (values[row * width + d] = value));
    rows.forEach((row, r) => (present[r * width + d] = row[d] === null ? 0 : 1));
  });
  const shape = [rows.length, width];
  return { table: { shape, values }, present: { shape, values: present } };
}

/** An encoded table as the search for patterns reads it. */
export interface Table extends Points {
  readonly present: Float32Array;
}

/** The table out of its tensors. */
export function tableOf(inputs: NamedTensors): Table {
  const { shape, values } = entry(inputs, 'table');
  return { ...pointsOf(new Float64Array(values), at(shape, 1)), present: entry(inputs, 'present').values };
}
