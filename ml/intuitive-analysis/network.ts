import { at } from '../sequence.ts';
import type { Tensor } from '@tensorflow/tfjs';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import { Random } from '../random.ts';
import { compute, entry, type LiveTensors, type NamedTensors, rowsOf, tensorOf, type Tf } from '../tensors.ts';
import { assign, type Clustering, kMeans, settle, silhouette, stabilityOf } from './clusters.ts';
import { mostComponents, principalDirections } from './components.ts';
import { type Points, pointsOf, takePoints } from './points.ts';

/** The most clusters that are told apart; one cluster means that there is no grouping. */
export const mostClusters = 8;
const candidates = Array.from({ length: mostClusters - 1 }, (_, i) => i + 2);
const factsPerCount = 5;
const groupingFacts = factsPerCount * candidates.length + 3;
const rowFacts = 4;
/** Choosing looks at so many rows at most; all rows are grouped once the number is chosen. */
const [searchRows, silhouetteRows, draws] = [800, 150, 3];

/** A table as the networks see it. */
export interface Seen {
  /** The rows along the first principal directions. */
  readonly scores: Points;
  /** A grouping for each number of clusters, from 1. */
  readonly groupings: readonly Clustering[];
  readonly stabilities: readonly number[];
  /** [1, groupingFacts]. */
  readonly facts: NamedTensors[string];
}

/** Principal directions, and a grouping along them for every number of clusters with how good and how stable it is. */
export async function look(tf: Tf, table: NamedTensors[string]): Promise<Seen> {
  const [rows = 0, dimensions = 0] = table.shape;
  const kept = Math.min(mostComponents, dimensions, rows);
  const { covariance } = await compute(tf, { table }, (live) => {
    const centred = entry(live, 'table');
    return { covariance: tf.div(tf.matMul(centred, centred, true, false), rows) };
  });
  const directions = principalDirections(covariance?.values ?? [], dimensions, kept);
  const { along } = await compute(tf, { table, directions: tensorOf([dimensions, kept], directions) }, (live) => ({
    along: tf.matMul(entry(live, 'table'), entry(live, 'directions')),
  }));
  return group(pointsOf(along?.values ?? new Float32Array(), kept), pointsOf(table.values, dimensions));
}

/**
 * How well a grouping explains rows for the number of its groups, a row: the log likelihood of groups that share their
 * spread in each dimension, less the penalty of the Bayesian information criterion (Schwarz 1978). Unlike distances it is
 * not misled by a dimension that tells nothing.
 */
function evidenceOf(table: Points, labels: readonly number[], groups: number): number {
  const { count, dimensions, values } = table;
  const sizes = Array.from({ length: groups }, () => 0);
  const sums = new Float64Array(groups * dimensions);
  labels.forEach((label, row) => {
    sizes[label] = at(sizes, label) + 1;
    for (let d = 0; d < dimensions; d++) {
      const slot = label * dimensions + d;
      sums[slot] = at(sums, slot) + at(values, row * dimensions + d);
    }
  });
  const within = new Float64Array(dimensions);
  labels.forEach((label, row) => {
    for (let d = 0; d < dimensions; d++) {
      const mean = at(sums, label * dimensions + d) / Math.max(1, at(sizes, label));
      within[d] = at(within, d) + (at(values, row * dimensions + d) - mean) ** 2 / count;
    }
  });
  const fit = within.reduce((sum, variance) => sum - Math.log(variance + 1e-3) / 2, 0);
  const choice = sizes.reduce((sum, size) => sum + (size > 0 ? (size / count) * Math.log(size / count) : 0), 0);
  return fit + choice - (groups * dimensions * Math.log(count)) / (2 * count);
}

function group(scores: Points, table: Points): Seen {
  const { dimensions } = table;
  const random = new Random(7);
  const order = random.permutation(scores.count);
  const sample = takePoints(scores, order.slice(0, searchRows));
  const sampleOfTable = takePoints(table, order.slice(0, searchRows));
  const few = takePoints(scores, order.slice(0, silhouetteRows));
  const one = settle(scores, { count: 1, dimensions: scores.dimensions, values: new Float32Array(scores.dimensions) });
  const whole = assign(sample, one.centres).inertia;
  const groupings = [one];
  const stabilities = [1];
  const evidences = [evidenceOf(sampleOfTable, assign(sample, one.centres).labels, 1)];
  const facts: number[] = [];
  let before = whole;
  for (const count of candidates) {
    if (sample.count <= count) {
      facts.push(0, 0, 0);
      evidences.push(-Infinity);
      continue;
    }
    const found = kMeans(random, sample, count);
    const stability = stabilityOf(
      random,
      takePoints(scores, order.slice(0, searchRows / 2)),
      found.labels,
      count,
      draws,
    );
    facts.push(
      silhouette(few, assign(few, found.centres).labels, count),
      stability,
      Math.log((before + 1e-9) / (found.inertia + 1e-9)),
    );
    before = found.inertia;
    evidences.push(evidenceOf(sampleOfTable, found.labels, count));
    groupings.push(settle(scores, found.centres, 5));
    stabilities.push(stability);
  }
  const most = Math.max(...evidences);
  evidences.slice(1).forEach((evidence, i) => {
    const gain = evidence - (evidences[i] ?? evidence);
    facts.push(Number.isFinite(gain) ? Math.max(-2, Math.min(2, gain)) : -2, evidence === most ? 1 : 0);
  });
  facts.push(Math.log(scores.count) / 5, Math.log(dimensions) / 3, whole / sample.count / dimensions);
  return { scores, groupings, stabilities, facts: tensorOf([1, groupingFacts], facts) };
}

/**
 * What makes a row stand out in its cluster, each row [rowFacts]: the mean and the largest squared deviation from the
 * cluster's middle in the cluster's own spread, how many dimensions there are, how large the cluster is. `deviations`
 * [rows, dimensions] are the squared deviations themselves.
 */
export function rowFactsOf(
  table: NamedTensors[string],
  { labels }: Clustering,
): { facts: NamedTensors[string]; deviations: NamedTensors[string] } {
  const rows = rowsOf(table);
  const dimensions = table.shape[1] ?? 0;
  const clusters = Math.max(...labels) + 1;
  const [counts, sums, squares] = [
    new Float64Array(clusters),
    new Float64Array(clusters * dimensions),
    new Float64Array(clusters * dimensions),
  ];
  rows.forEach((row, r) => {
    const label = at(labels, r);
    counts[label] = at(counts, label) + 1;
    row.forEach((value, d) => {
      const slot = label * dimensions + d;
      sums[slot] = at(sums, slot) + value;
      squares[slot] = at(squares, slot) + value * value;
    });
  });
  const deviations = new Float32Array(table.values.length);
  const facts = rows.flatMap((row, r) => {
    const label = at(labels, r);
    const count = counts[label] ?? 1;
    let [total, largest] = [0, 0];
    row.forEach((value, d) => {
      const slot = label * dimensions + d;
      const mean = at(sums, slot) / count;
      // A tenth of the table's own spread is added, so that a cluster of a few alike rows has some.
      const variance = Math.max(0, at(squares, slot) / count - mean * mean) + 0.1 / Math.sqrt(count);
      const deviation = (value - mean) ** 2 / variance;
      deviations[r * dimensions + d] = deviation;
      total += deviation;
      largest = Math.max(largest, deviation);
    });
    return [Math.log1p(total / dimensions), Math.log1p(largest) / 2, Math.log(dimensions) / 3, Math.log(count) / 5];
  });
  return {
    facts: tensorOf([rows.length, rowFacts], facts),
    deviations: { shape: table.shape, values: deviations },
  };
}

export function initialCountWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('count/hidden', groupingFacts, 32),
    ...denseLayout('count/last', 32, mostClusters),
  });
}

export function initialAnomalyWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('anomaly/hidden', rowFacts, 16),
    ...denseLayout('anomaly/last', 16, 1),
  });
}

/** Facts of groupings [n, groupingFacts] to the logits of 1, 2, … clusters. */
export function countLogits(tf: Tf, weights: LiveTensors, facts: Tensor): Tensor {
  return dense(tf, weights, 'count/last', tf.relu(dense(tf, weights, 'count/hidden', facts)));
}

/** Facts of rows [n, rowFacts] to the logit that a row does not belong. */
export function anomalyLogits(tf: Tf, weights: LiveTensors, facts: Tensor): Tensor {
  return dense(tf, weights, 'anomaly/last', tf.relu(dense(tf, weights, 'anomaly/hidden', facts)));
}
