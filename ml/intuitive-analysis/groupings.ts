import { Random } from '../random.ts';
import { logDeterminant } from './cholesky.ts';
import { meanOf } from '../../domain/statistics.ts';
import {
  likenessOf,
  type Cloud,
  cloudOf,
  type Clusters,
  discriminantsOf,
  settle,
  type Shape,
  shapes,
  sortRows,
  wholeOf,
  withOneMore,
} from './clusters.ts';
import { covarianceOf, mostComponents, principalDirections, project } from './components.ts';
import { centred, type Points, samplePoints, takePoints, valueAt } from './points.ts';

/** The most clusters that are told apart; one cluster means that there is no grouping. */
export const mostClusters = 8;

const candidates = Array.from({ length: mostClusters - 1 }, (_, i) => i + 2);
const factsPerGrouping = 4;
const shapeFactsPerComponent = 3;
export const groupingFacts =
  2 + shapeFactsPerComponent * mostComponents + candidates.length * shapes.length * factsPerGrouping;

/** The largest tables that are simulated: what a network is told of a larger one is what it would be told of these. */
export const [mostRows, mostDimensions] = [300, 24] as const;

/** How large something is, as a network is told. */
export function sizeFact(size: number, most: number): number {
  return Math.log(Math.min(size, most)) / Math.log(most);
}

/** Groupings are sought among so many rows at most; all rows are grouped once one is chosen. */
const searchRows = mostRows;
/** Beyond so many deviations a row pulls no harder on a cluster. */
const farthest = 3;
/** A row lies between two clusters when it is closer to half-way than this share of the way to its own middle. */
const between = 0.3;

/** A way to group rows, with how well it explains them. */
export interface Grouping {
  readonly clusters: Clusters;
  /** Log likelihood a row, less the penalty of the Bayesian information criterion (Schwarz 1978). */
  readonly evidence: number;
}

/** A table as the networks see it. */
export interface Seen {
  /** The rows along the first principal directions. */
  readonly scores: Points;
  readonly groupings: readonly Grouping[];
  /** `groupingFacts` numbers. */
  readonly facts: readonly number[];
}

function held({ count, dimensions, values }: Points): Points {
  return centred({ count, dimensions, values: values.map((value) => Math.min(farthest, Math.max(-farthest, value))) });
}

function weigh({ count, dimensions }: Points, clusters: Clusters): Grouping {
  const { sizes, spread } = clusters;
  const choice = sizes.reduce((sum, size) => sum + (size > 0 ? (size / count) * Math.log(size / count) : 0), 0);
  const penalty = (sizes.length * (dimensions + 1) * Math.log(count)) / (2 * count);
  return { clusters, evidence: choice - penalty - logDeterminant(spread, dimensions) / 2 };
}

/** The cluster of each row. */
export function labelsOf(scores: Points, clusters: Clusters): Int32Array {
  const labels = new Int32Array(scores.count);
  sortRows(scores, discriminantsOf(clusters), labels);
  return labels;
}

/** One cluster about a row that is drawn: the middle of the table is no good first middle. */
function firstSeed(random: Random, cloud: Cloud, shape: Shape): Clusters {
  const { sizes, middles, ...whole } = withOneMore(random, cloud, wholeOf(cloud, shape));
  return { ...whole, sizes: sizes.slice(1), middles: middles.slice(cloud.dimensions) };
}

/** How clearly rows part: the share of rows that lie between clusters, in all and in the worst cluster; the smallest share. */
function clarityOf({ count, dimensions, values }: Points, { clusters }: Grouping): [number, number, number] {
  const { pulls, offsets } = discriminantsOf(clusters);
  const { middles } = clusters;
  const [sizes, undecided] = [new Float64Array(offsets.length), new Float64Array(offsets.length)];
  for (let row = 0; row < count; row++) {
    let [own, next] = [0, 0];
    let most = -Infinity;
    let second = -Infinity;
    for (let cluster = 0; cluster < offsets.length; cluster++) {
      let affinity = -valueAt(offsets, cluster);
      for (let d = 0; d < dimensions; d++) {
        affinity += valueAt(values, row * dimensions + d) * valueAt(pulls, cluster * dimensions + d);
      }
      if (affinity > most) {
        next = own;
        second = most;
        own = cluster;
        most = affinity;
      } else if (affinity > second) {
        next = cluster;
        second = affinity;
      }
    }
    let gap = 0;
    for (let d = 0; d < dimensions; d++) {
      const [a, b] = [own * dimensions + d, next * dimensions + d];
      gap += (valueAt(middles, a) - valueAt(middles, b)) * (valueAt(pulls, a) - valueAt(pulls, b));
    }
    sizes[own] = valueAt(sizes, own) + 1;
    // Along the line between the two middles: 0 half-way, 1 at the row's own.
    if (2 * (most - second) < between * gap) undecided[own] = valueAt(undecided, own) + 1;
  }
  const worst = sizes.reduce((most, size, i) => Math.max(most, size > 0 ? valueAt(undecided, i) / size : 1), 0);
  return [undecided.reduce((sum, rows) => sum + rows, 0) / count, worst, Math.min(...sizes) / count];
}

const bounded = (value: number) => Math.max(-2, Math.min(2, value));

/** Principal directions, and groupings along them for every number of clusters, with how well rows part in each. */
export function look(table: Points): Seen {
  const clipped = held(table);
  const kept = Math.min(mostComponents, table.dimensions, table.count);
  const scores = project(clipped, principalDirections(covarianceOf(clipped), table.dimensions, kept));
  const sample = cloudOf(centred(samplePoints(scores, searchRows)));
  const facts = [sizeFact(sample.count, mostRows), sizeFact(table.dimensions, mostDimensions), ...shapeFacts(sample)];
  const random = new Random(7);
  let best: Record<Shape, Grouping> = {
    round: weigh(sample, wholeOf(sample, 'round')),
    stretched: weigh(sample, wholeOf(sample, 'stretched')),
  };
  const groupings: Grouping[] = [best.round];
  let seeds = { round: firstSeed(random, sample, 'round'), stretched: firstSeed(random, sample, 'stretched') };
  for (const count of candidates) {
    if (sample.count <= count) {
      facts.push(...Array.from({ length: shapes.length * factsPerGrouping }, () => 0));
      continue;
    }
    const before = best;
    seeds = {
      round: withOneMore(random, sample, seeds.round),
      stretched: withOneMore(random, sample, seeds.stretched),
    };
    best = oneClusterMore(random, sample, before, seeds);
    for (const shape of shapes) {
      facts.push(bounded(best[shape].evidence - before[shape].evidence), ...clarityOf(sample, best[shape]));
      groupings.push(best[shape]);
    }
  }
  return { scores, groupings, facts };
}

/** The best grouping of each shape with one cluster more, from the ones before, from middles drawn anew, from each other. */
function oneClusterMore(
  random: Random,
  sample: Cloud,
  before: Readonly<Record<Shape, Grouping>>,
  seeds: Readonly<Record<Shape, Clusters>>,
): Record<Shape, Grouping> {
  const settled = (start: Clusters, shape: Shape) => weigh(sample, settle(sample, start, shape));
  const next = (shape: Shape) =>
    better(settled(withOneMore(random, sample, before[shape].clusters), shape), settled(seeds[shape], shape));
  const round = next('round');
  const stretched = better(next('stretched'), settled(round.clusters, 'stretched'));
  return { round, stretched };
}

/** Stability is measured on so many draws, of this share of the rows, each grouped from so many first middles. */
const [draws, drawnShare, tries] = [6, 0.7, 3];

/** How alike clusters come out when they are sought anew among some of the rows: the mean adjusted Rand index. */
export function stabilityOf(scores: Points, { clusters }: Grouping): number {
  const count = clusters.sizes.length;
  if (count < 2) return 1;
  const random = new Random(13);
  const sample = samplePoints(scores, searchRows);
  const likenesses = Array.from({ length: draws }, () => {
    const some = random.permutation(sample.count).slice(0, Math.max(count, Math.floor(drawnShare * sample.count)));
    const part = takePoints(sample, some);
    const cloud = cloudOf(centred(part));
    const again = Array.from({ length: tries }, () => soughtAnew(random, cloud, clusters.shape, count)).reduce(better);
    return likenessOf(labelsOf(cloud, again.clusters), labelsOf(part, clusters));
  });
  return meanOf(likenesses);
}

function soughtAnew(random: Random, cloud: Cloud, shape: Shape, count: number): Grouping {
  let clusters = firstSeed(random, cloud, shape);
  while (clusters.sizes.length < count) clusters = withOneMore(random, cloud, clusters);
  return weigh(cloud, settle(cloud, clusters, shape));
}

function better(one: Grouping, other: Grouping): Grouping {
  return other.evidence > one.evidence ? other : one;
}

/**
 * What is known of the components before any grouping, each its share of the spread, and how far from bell-shaped it is:
 * skewness, excess kurtosis.
 */
function shapeFacts({ count, dimensions, values }: Points): number[] {
  const facts = Array.from({ length: shapeFactsPerComponent * mostComponents }, () => 0);
  let total = 0;
  for (let d = 0; d < dimensions; d++) {
    let [second, third, fourth] = [0, 0, 0];
    for (let row = 0; row < count; row++) {
      const value = valueAt(values, row * dimensions + d);
      const square = value * value;
      second += square / count;
      third += (square * value) / count;
      fourth += (square * square) / count;
    }
    total += second;
    const variance = Math.max(1e-9, second);
    facts[d * shapeFactsPerComponent] = second;
    facts[d * shapeFactsPerComponent + 1] = bounded(Math.abs(third) / variance ** 1.5);
    facts[d * shapeFactsPerComponent + 2] = bounded(fourth / variance ** 2 - 3) / 2;
  }
  return facts.map((fact, i) => (i % shapeFactsPerComponent === 0 ? fact / Math.max(1e-9, total) : fact));
}
