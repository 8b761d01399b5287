import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import { medianOf } from '../figures.ts';
import { type NamedTensors, tensorOf } from '../tensors.ts';

/** Values of a dimension; what is missing becomes the median of the others. */
export function columnOf({ rows }: IntuitiveAnalysisImpressions, dimension: number): number[] {
  const values = rows.map((row) => row[dimension] ?? null);
  const middle = medianOf(values.filter((value) => value !== null));
  return values.map((value) => value ?? middle);
}

/** Shifts and scales a column to mean 0 and deviation 1; dividing by the largest first keeps huge numbers finite. */
function standardise(column: readonly number[]): number[] {
  const largest = column.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  const small = column.map((value) => value / largest);
  const mean = small.reduce((sum, value) => sum + value, 0) / small.length;
  const deviation = Math.sqrt(small.reduce((sum, value) => sum + (value - mean) ** 2, 0) / small.length);
  return small.map((value) => (deviation > 0 ? (value - mean) / deviation : 0));
}

/** The tensor of a table, `table` [rows, dimensions]: every dimension with mean 0 and deviation 1. */
export function encode(impressions: IntuitiveAnalysisImpressions): NamedTensors & { table: NamedTensors[string] } {
  const { rows, dimensions } = impressions;
  const values = new Float32Array(rows.length * dimensions.length);
  dimensions.forEach((_, d) => {
    standardise(columnOf(impressions, d)).forEach((value, row) => (values[row * dimensions.length + d] = value));
  });
  return { table: tensorOf([rows.length, dimensions.length], values) };
}
