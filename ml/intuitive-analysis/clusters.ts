import { adjustedRandIndex } from '../../domain/statistics.ts';
import type { Random } from '../random.ts';
import { choleskyIn, solveLower, solveUpper } from './cholesky.ts';
import { covarianceOf } from './components.ts';
import { type Points, valueAt, wholeAt } from './points.ts';

/** Clusters are round, or all stretched alike. */
export const shapes = ['round', 'stretched'] as const;
export type Shape = (typeof shapes)[number];

/** Points about their middle, with their covariance [dimensions, dimensions]. */
export interface Cloud extends Points {
  readonly covariance: Float64Array;
}

/** Points with their covariance, which every search for groups among them starts from. */
export function cloudOf(points: Points): Cloud {
  return { ...points, covariance: covarianceOf(points) };
}

/** Clusters of a cloud: where they are and in which metric rows are sorted into them. */
export interface Clusters {
  readonly shape: Shape;
  readonly sizes: Float64Array;
  /** [clusters, dimensions]. */
  readonly middles: Float64Array;
  /** The Cholesky factor of the spread within clusters [dimensions, dimensions]: what distances are measured in. */
  readonly spread: Float64Array;
}

/** Keeps a spread invertible where rows of a cluster are all alike. */
const leastVariance = 0.01;
const rounds = 6;
/** Sorting goes on while more than this share of the rows changes its cluster. */
const settled = 0.01;

/** All rows in one cluster. */
export function wholeOf({ count, dimensions, covariance }: Cloud, shape: Shape): Clusters {
  const [sizes, middles] = [Float64Array.of(count), new Float64Array(dimensions)];
  const whole = { shape, sizes, middles, spread: new Float64Array(covariance.length) };
  measureSpread(covariance, whole);
  return whole;
}

/** Sets the spread of clusters to what is left of the covariance of all rows once the middles are taken out. */
function measureSpread(covariance: Float64Array, { shape, sizes, middles, spread: within }: Clusters): void {
  const dimensions = middles.length / sizes.length;
  const count = sizes.reduce((sum, size) => sum + size, 0);
  within.set(covariance);
  for (let cluster = 0; cluster < sizes.length; cluster++) {
    const weight = valueAt(sizes, cluster) / count;
    const offset = cluster * dimensions;
    for (let i = 0; i < dimensions; i++) {
      const value = weight * valueAt(middles, offset + i);
      for (let j = 0; j < dimensions; j++) {
        within[i * dimensions + j] = valueAt(within, i * dimensions + j) - value * valueAt(middles, offset + j);
      }
    }
  }
  if (shape === 'stretched') {
    for (let d = 0; d < dimensions; d++)
      within[d * dimensions + d] = valueAt(within, d * dimensions + d) + leastVariance;
    choleskyIn(within, dimensions);
    return;
  }
  let trace = 0;
  for (let d = 0; d < dimensions; d++) trace += Math.max(0, valueAt(within, d * dimensions + d)) / dimensions;
  within.fill(0);
  for (let d = 0; d < dimensions; d++) within[d * dimensions + d] = Math.sqrt(trace + leastVariance);
}

/**
 * How rows are told apart: a row belongs to the cluster for which `row · pull - offset` is largest, which is the one whose
 * middle is nearest in the metric of the spread (Fisher 1936).
 */
interface Discriminants {
  readonly pulls: Float64Array;
  readonly offsets: Float64Array;
}

/** The discriminants of some clusters, in arrays of their own. */
export function discriminantsOf(clusters: Clusters): Discriminants {
  const { sizes, middles } = clusters;
  const discriminants = { pulls: new Float64Array(middles.length), offsets: new Float64Array(sizes.length) };
  findDiscriminants(clusters, discriminants);
  return discriminants;
}

function findDiscriminants({ sizes, middles, spread }: Clusters, { pulls, offsets }: Discriminants): void {
  const dimensions = middles.length / sizes.length;
  pulls.set(middles);
  for (let cluster = 0; cluster < sizes.length; cluster++) {
    const offset = cluster * dimensions;
    solveLower(spread, dimensions, pulls, offset);
    solveUpper(spread, dimensions, pulls, offset);
    let sum = 0;
    for (let d = 0; d < dimensions; d++) sum += valueAt(middles, offset + d) * valueAt(pulls, offset + d);
    offsets[cluster] = sum / 2;
  }
}

/** The cluster of every row, from 0, written over the labels there; returns how many changed. */
export function sortRows(points: Points, { pulls, offsets }: Discriminants, labels: Int32Array): number {
  const { count, dimensions, values } = points;
  const clusters = offsets.length;
  let moved = 0;
  for (let row = 0; row < count; row++) {
    const offset = row * dimensions;
    let best = 0;
    let most = -Infinity;
    for (let cluster = 0; cluster < clusters; cluster++) {
      let affinity = -valueAt(offsets, cluster);
      const pull = cluster * dimensions;
      for (let d = 0; d < dimensions; d++) affinity += valueAt(values, offset + d) * valueAt(pulls, pull + d);
      if (affinity > most) {
        best = cluster;
        most = affinity;
      }
    }
    if (labels[row] !== best) moved += 1;
    labels[row] = best;
  }
  return moved;
}

/**
 * Moves middles and spread to the rows sorted into each cluster, and sorts again, until few change (Celeux, Govaert 1992).
 * It is done hundreds of times a table, so its rounds share their arrays.
 */
export function settle(cloud: Cloud, start: Clusters, shape: Shape): Clusters {
  const { count, dimensions, values, covariance } = cloud;
  const labels = new Int32Array(count).fill(-1);
  const [sizes, middles] = [new Float64Array(start.sizes.length), start.middles.slice()];
  const sums = new Float64Array(middles.length);
  const clusters: Clusters = { shape, sizes, middles, spread: start.spread.slice() };
  const discriminants = discriminantsOf(start);
  for (let round = 0; round < rounds; round++) {
    if (round > 0) findDiscriminants(clusters, discriminants);
    const moved = sortRows(cloud, discriminants, labels);
    if (moved <= settled * count) break;
    sizes.fill(0);
    sums.fill(0);
    for (let row = 0; row < count; row++) {
      const cluster = wholeAt(labels, row);
      sizes[cluster] = valueAt(sizes, cluster) + 1;
      for (let d = 0; d < dimensions; d++) {
        const slot = cluster * dimensions + d;
        sums[slot] = valueAt(sums, slot) + valueAt(values, row * dimensions + d);
      }
    }
    for (let slot = 0; slot < middles.length; slot++) {
      const size = valueAt(sizes, Math.floor(slot / dimensions));
      // A cluster that lost its rows stays where it was.
      if (size > 0) middles[slot] = valueAt(sums, slot) / size;
    }
    measureSpread(covariance, clusters);
  }
  return clusters;
}

/** One cluster more: its middle is a row drawn with a chance that grows with its distance from the others (Arthur, Vassilvitskii 2007). */
export function withOneMore(random: Random, cloud: Cloud, clusters: Clusters): Clusters {
  const { count, dimensions, values } = cloud;
  const { pulls, offsets } = discriminantsOf(clusters);
  const distances = new Float64Array(count);
  const solved = new Float64Array(dimensions);
  let total = 0;
  for (let row = 0; row < count; row++) {
    let most = -Infinity;
    for (let cluster = 0; cluster < offsets.length; cluster++) {
      let affinity = -valueAt(offsets, cluster);
      for (let d = 0; d < dimensions; d++) {
        affinity += valueAt(values, row * dimensions + d) * valueAt(pulls, cluster * dimensions + d);
      }
      most = Math.max(most, affinity);
    }
    for (let d = 0; d < dimensions; d++) solved[d] = valueAt(values, row * dimensions + d);
    const distance = Math.max(0, squaredNorm(clusters.spread, solved) - 2 * most);
    distances[row] = distance;
    total += distance;
  }
  let left = random.uniform(0, total);
  const drawn = Math.max(
    0,
    distances.findIndex((distance) => (left -= distance) < 0),
  );
  const middles = new Float64Array(clusters.middles.length + dimensions);
  middles.set(clusters.middles);
  middles.set(values.subarray(drawn * dimensions, (drawn + 1) * dimensions), clusters.middles.length);
  return { ...clusters, sizes: new Float64Array(clusters.sizes.length + 1), middles };
}

/** The squared length of a row in the metric of a spread; the row is overwritten. */
function squaredNorm(spread: Float64Array, row: Float64Array): number {
  solveLower(spread, row.length, row, 0);
  let sum = 0;
  for (let d = 0; d < row.length; d++) sum += valueAt(row, d) ** 2;
  return sum;
}

/** How alike two ways to group the same rows are; 1 too where both put all rows together, as they then agree. */
export function likenessOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return adjustedRandIndex(a, b) ?? 1;
}
