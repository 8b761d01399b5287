import { at } from '../sequence.ts';
import { choleskyOf, solveLower, solveUpper } from './cholesky.ts';
import type { NamedTensor } from '../tensors.ts';
import type { Table } from './encode.ts';
import { type Grouping, labelsOf, mostDimensions, mostRows, sizeFact } from './groupings.ts';
import { type Neighbours, neighboursOf } from './neighbours.ts';
import { type Points, valueAt, wholeAt } from './points.ts';

/** How many numbers say how a row lies in its table. */
export const rowFacts = 10;

/** The share of rows, those that lie closest, from which the spread of clusters is taken. */
const trusted = 0.9;
/** Keeps a spread invertible where values of a cluster are all alike. */
const leastVariance = 0.01;

/** Rows once they are grouped. */
export interface Grouped {
  /** The cluster of each row, from 0. */
  readonly labels: Int32Array;
  readonly deviations: Deviations;
  readonly neighbours: Neighbours;
  /** [rows, rowFacts]: what a network is told of every row. */
  readonly facts: NamedTensor;
}

/** Sorts the rows of a table into the clusters of a grouping, and says how each lies there. */
export function groupRows(table: Table, scores: Points, { clusters }: Grouping): Grouped {
  const labels = labelsOf(scores, clusters);
  const deviations = deviationsOf(table, labels);
  const neighbours = neighboursOf(scores);
  const facts = { shape: [table.count, rowFacts], values: rowFactsOf(table, labels, deviations, neighbours) };
  return { labels, deviations, neighbours, facts };
}

/** How far rows lie from where their cluster says they should. */
interface Deviations {
  /** Squared Mahalanobis distances from the middle of the own cluster, by row. */
  readonly distances: Float64Array;
  /** [rows, dimensions]: squared, how unlike each value is what the row's other values let expect, in deviations. */
  readonly byDimension: Float64Array;
}

interface Spread {
  /** [clusters, dimensions]. */
  readonly middles: Float64Array;
  /** The Cholesky factor of each cluster's covariance, and the diagonal of its inverse. */
  readonly factors: readonly Float64Array[];
  readonly precisions: readonly Float64Array[];
}

/**
 * Each row against its cluster. The clusters' spread is taken twice, the second time without the rows that lay farthest
 * the first time, so that rows that do not belong do not widen what they are measured by (Rousseeuw, Van Driessen 1999).
 * A value that is missing counts as what was to be expected.
 */
function deviationsOf(table: Table, labels: Int32Array): Deviations {
  const first = measure(
    table,
    labels,
    spreadOf(table, labels, () => true),
  ).distances;
  const sorted = first.slice().sort();
  const limit = valueAt(sorted, Math.floor(trusted * (sorted.length - 1)));
  return measure(
    table,
    labels,
    spreadOf(table, labels, (row) => valueAt(first, row) <= limit),
  );
}

/** Where clusters lie and how they spread: a small one's spread leans on that of all (Friedman 1989). */
function spreadOf(
  { count, dimensions, values, present }: Table,
  labels: Int32Array,
  counts: (row: number) => boolean,
): Spread {
  const clusters = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  const middles = new Float64Array(clusters * dimensions);
  const known = new Float64Array(clusters * dimensions);
  for (let row = 0; row < count; row++) {
    if (!counts(row)) continue;
    const offset = wholeAt(labels, row) * dimensions;
    for (let d = 0; d < dimensions; d++) {
      if (present[row * dimensions + d] === 0) continue;
      middles[offset + d] = valueAt(middles, offset + d) + valueAt(values, row * dimensions + d);
      known[offset + d] = valueAt(known, offset + d) + 1;
    }
  }
  middles.forEach((sum, slot) => (middles[slot] = sum / Math.max(1, valueAt(known, slot))));

  const sizes = new Float64Array(clusters);
  const own = Array.from({ length: clusters }, () => new Float64Array(dimensions * dimensions));
  const pooled = new Float64Array(dimensions * dimensions);
  const residual = new Float64Array(dimensions);
  for (let row = 0; row < count; row++) {
    if (!counts(row)) continue;
    const label = wholeAt(labels, row);
    sizes[label] = valueAt(sizes, label) + 1;
    fillResidual(residual, values, present, middles, row * dimensions, label * dimensions);
    const products = at(own, label);
    for (let i = 0; i < dimensions; i++) {
      for (let j = 0; j <= i; j++) {
        products[i * dimensions + j] =
          valueAt(products, i * dimensions + j) + valueAt(residual, i) * valueAt(residual, j);
      }
    }
  }
  const total = Math.max(
    1,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  for (const products of own) {
    products.forEach((product, slot) => (pooled[slot] = valueAt(pooled, slot) + product / total));
  }
  const leaning = 2 * dimensions;
  const factors = own.map((products, label) => {
    const weight = valueAt(sizes, label) + leaning;
    const covariance = products.map((product, slot) => (product + leaning * valueAt(pooled, slot)) / weight);
    for (let d = 0; d < dimensions; d++) {
      const slot = d * dimensions + d;
      // With few rows for many dimensions, what seems to go together is mostly chance: the diagonal counts for more.
      covariance[slot] = valueAt(covariance, slot) * (1 + (0.5 * dimensions) / total) + leastVariance;
    }
    return choleskyOf(covariance, dimensions);
  });
  return { middles, factors, precisions: factors.map((factor) => inverseDiagonal(factor, dimensions)) };
}

function fillResidual(
  residual: Float64Array,
  values: Float64Array,
  present: Float32Array,
  middles: Float64Array,
  offset: number,
  middle: number,
): void {
  for (let d = 0; d < residual.length; d++) {
    residual[d] = present[offset + d] === 0 ? 0 : valueAt(values, offset + d) - valueAt(middles, middle + d);
  }
}

/** The diagonal of the inverse of the matrix whose Cholesky factor is given. */
function inverseDiagonal(factor: Float64Array, dimensions: number): Float64Array {
  const diagonal = new Float64Array(dimensions);
  for (let d = 0; d < dimensions; d++) {
    const column = new Float64Array(dimensions);
    column[d] = 1;
    solveLower(factor, dimensions, column, 0);
    diagonal[d] = column.reduce((sum, value) => sum + value * value, 0);
  }
  return diagonal;
}

function measure(
  { count, dimensions, values, present }: Table,
  labels: Int32Array,
  { middles, factors, precisions }: Spread,
): Deviations {
  const distances = new Float64Array(count);
  const byDimension = new Float64Array(count * dimensions);
  const residual = new Float64Array(dimensions);
  for (let row = 0; row < count; row++) {
    const label = wholeAt(labels, row);
    const factor = at(factors, label);
    const precision = at(precisions, label);
    fillResidual(residual, values, present, middles, row * dimensions, label * dimensions);
    solveLower(factor, dimensions, residual, 0);
    let distance = 0;
    for (let d = 0; d < dimensions; d++) distance += valueAt(residual, d) ** 2;
    distances[row] = distance;
    solveUpper(factor, dimensions, residual, 0);
    for (let d = 0; d < dimensions; d++) {
      const slot = row * dimensions + d;
      byDimension[slot] = present[slot] === 0 ? 0 : valueAt(residual, d) ** 2 / valueAt(precision, d);
    }
  }
  return { distances, byDimension };
}

/** What a network is told of every row, [rows, rowFacts]: how far it lies from its cluster, and how alone. */
function rowFactsOf(
  { count, dimensions }: Points,
  labels: Int32Array,
  { distances, byDimension }: Deviations,
  neighbours: Neighbours,
): Float32Array {
  const sorted = distances.slice().sort();
  const middle = Math.max(1e-6, valueAt(sorted, Math.floor(0.5 * (count - 1))));
  const tail = Math.log(Math.max(1e-6, valueAt(sorted, Math.floor(0.9 * (count - 1)))) / middle);
  const alone = alonenessOf(count, neighbours);
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const facts = new Float32Array(count * rowFacts);
  for (let row = 0; row < count; row++) {
    let [largest, second] = [0, 0];
    for (let d = 0; d < dimensions; d++) {
      const deviation = valueAt(byDimension, row * dimensions + d);
      if (deviation > largest) {
        second = largest;
        largest = deviation;
      } else if (deviation > second) second = deviation;
    }
    const distance = valueAt(distances, row);
    facts.set(
      [
        Math.log1p(distance / dimensions),
        Math.log1p(largest) / 2,
        Math.log1p(second) / 2,
        Math.log(Math.max(1e-6, distance) / middle) / 2,
        tail,
        valueAt(alone, row),
        valueAt(alone, count + row),
        sizeFact(dimensions, mostDimensions),
        sizeFact(count, mostRows),
        sizeFact(sizes.get(wholeAt(labels, row)) ?? 1, mostRows),
      ],
      row * rowFacts,
    );
  }
  return facts;
}

/**
 * How alone rows are: the logarithm of the distance to the farthest of the neighbours, first against what is usual in the
 * table (all rows), then against what is usual where the neighbours are (all rows; after Breunig et al. 2000).
 */
function alonenessOf(count: number, { each, rows, distances }: Neighbours): Float64Array {
  const reach = new Float64Array(count);
  for (let row = 0; row < count; row++) reach[row] = Math.log(valueAt(distances, (row + 1) * each - 1) + 1e-4) / 2;
  const usual = valueAt(reach.slice().sort(), Math.floor(0.5 * (count - 1)));
  const alone = new Float64Array(2 * count);
  for (let row = 0; row < count; row++) {
    let around = 0;
    for (let i = 0; i < each; i++) around += valueAt(reach, wholeAt(rows, row * each + i)) / each;
    alone[row] = valueAt(reach, row) - usual;
    alone[count + row] = valueAt(reach, row) - around;
  }
  return alone;
}
