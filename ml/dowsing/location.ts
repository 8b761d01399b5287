import { at } from '../sequence.ts';
import type { Tensor } from '@tensorflow/tfjs';
import type { DowsingLocationImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { quantileOf, rescale } from '../figures.ts';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { ModelStamp } from '../model.ts';
import type { Random } from '../random.ts';
import { entry, firstRow, type LiveTensors, type NamedTensors, tensorOf, type Tf } from '../tensors.ts';
import { binsPerSide, cellsPerSide, type Grid, gridOf } from './grid.ts';

const coarsePerSide = 6;
const factCount = 5;
/** What the network chooses: a narrow and a wide bandwidth, and how much of each and of "anywhere" there is. */
const choiceCount = 5;
const cellCount = cellsPerSide * cellsPerSide;
/** Below this share of the diagonal, a bandwidth says no more than the grid can show. */
const finestShare = 0.01;

/** The share of the region whose probability is the headline; chance puts as much of it there. */
export const bestShare = 0.1;

interface UnitPoint {
  readonly x: number;
  readonly y: number;
  readonly weight: number;
}

function unitPoints({ points }: DowsingLocationImpressions, grid: Grid): UnitPoint[] {
  const total = points.reduce((sum, { weight = 1 }) => sum + weight, 0);
  return points.map(({ lon, lat, weight = 1 }) => {
    const [x, y] = grid.toUnit(lon, lat);
    return { x, y, weight: total > 0 ? weight / total : 1 / points.length };
  });
}

function countInBins(points: readonly UnitPoint[], perSide: number): Float32Array {
  const bins = new Float32Array(perSide * perSide);
  const binOf = (value: number) => Math.min(perSide - 1, Math.max(0, Math.floor(value * perSide)));
  for (const { x, y, weight } of points) {
    const bin = binOf(y) * perSide + binOf(x);
    bins[bin] = at(bins, bin) + weight;
  }
  return bins;
}

/** Half the middle half of the values: a spread that a few far points do not move; 0.25 if they lie evenly. */
function middleSpread(values: readonly number[]): number {
  return (quantileOf(values, 0.75) - quantileOf(values, 0.25)) / 2;
}

/**
 * The tensors of a location:
 * - `bins` [1, bins, bins]: the share of the points' weight in each bin, rows from south to north,
 * - `facts` [1, facts]: how many points, how spread, how far from even,
 * - `scales` [1, 2]: the bandwidth to start from, in shares of the region's width and height,
 * - `rowShares` [1, cells]: the area of each row of cells.
 */
export function encodeLocation(impressions: DowsingLocationImpressions): NamedTensors {
  const grid = gridOf(impressions.region);
  const points = unitPoints(impressions, grid);
  const effective = 1 / points.reduce((sum, { weight }) => sum + weight ** 2, 0);
  const [spreadX, spreadY] = [middleSpread(points.map(({ x }) => x)), middleSpread(points.map(({ y }) => y))];
  const coarse = countInBins(points, coarsePerSide);
  const even = 1 / coarse.length;
  const uneven = coarse.reduce((sum, share) => sum + (share - even) ** 2 / even, 0);
  const facts = [Math.log(effective) / 4, 4 * spreadX, 4 * spreadY, Math.log1p(uneven), Math.max(...coarse)];

  const diagonalKm = Math.hypot(grid.widthKm, grid.heightKm);
  const spreadKm = (spreadX * grid.widthKm + spreadY * grid.heightKm) / 2;
  const bandwidthKm = spreadKm * effective ** (-1 / 6) + finestShare * diagonalKm;
  return {
    bins: tensorOf([1, binsPerSide, binsPerSide], countInBins(points, binsPerSide)),
    facts: tensorOf([1, factCount], facts),
    scales: tensorOf([1, 2], [bandwidthKm / grid.widthKm, bandwidthKm / grid.heightKm]),
    rowShares: tensorOf([1, cellsPerSide], grid.rowShares),
  };
}

export function initialLocationWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('location/hidden', factCount, 16),
    ...denseLayout('location/choices', 16, choiceCount),
  });
}

/**
 * The posterior over the cells [n, cells · cells]: two kernel densities of the points and an even one, mixed. How wide
 * and how much of each is chosen by the network from the facts; it learned that from simulated searches.
 */
export function cellProbabilities(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Tensor {
  const facts = entry(inputs, 'facts');
  const count = facts.shape[0];
  const hidden = tf.relu(dense(tf, weights, 'location/hidden', facts));
  const choices = dense(tf, weights, 'location/choices', hidden);
  const widths = tf.exp(tf.clipByValue(tf.add(tf.slice(choices, [0, 0], [count, 2]), [[-0.3, 0.7]]), -3, 3));
  const mixture = tf.softmax(tf.slice(choices, [0, 2], [count, 3]));
  const share = (i: number) => tf.slice(mixture, [0, i], [count, 1]);

  const areas = tf.reshape(tf.mul(tf.expandDims(entry(inputs, 'rowShares'), 2), tf.ones([1, 1, cellsPerSide])), [
    count,
    cellCount,
  ]);
  const density = (i: number) => {
    const scales = tf.mul(entry(inputs, 'scales'), tf.slice(widths, [0, i], [count, 1]));
    const alongX = kernel(tf, tf.slice(scales, [0, 0], [count, 1]));
    const alongY = kernel(tf, tf.slice(scales, [0, 1], [count, 1]));
    const smooth = tf.matMul(tf.matMul(alongY, entry(inputs, 'bins')), alongX, false, true);
    return normalise(tf, tf.mul(tf.reshape(smooth, [count, cellCount]), areas));
  };
  const even = normalise(tf, areas);
  return tf.addN([tf.mul(density(0), share(0)), tf.mul(density(1), share(1)), tf.mul(even, share(2))]);
}

/** Gaussian weights [n, cells, bins] between the middles of cells and bins, for bandwidths [n, 1]. */
function kernel(tf: Tf, bandwidths: Tensor): Tensor {
  const middles = (count: number) => Array.from({ length: count }, (_, i) => (i + 0.5) / count);
  const distances = tf.sub(
    tf.tensor(middles(cellsPerSide), [1, cellsPerSide, 1]),
    tf.tensor(middles(binsPerSide), [1, 1, binsPerSide]),
  );
  const scaled = tf.div(distances, tf.expandDims(bandwidths, 2));
  return tf.exp(tf.mul(tf.square(scaled), -0.5));
}

function normalise(tf: Tf, cells: Tensor): Tensor {
  return tf.div(tf.add(cells, 1e-12), tf.sum(tf.add(cells, 1e-12), 1, true));
}

export function predictLocation(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Record<string, Tensor> {
  const calibration = tf.reshape(entry(weights, 'location/calibration'), [1, 2]);
  return { cells: cellProbabilities(tf, weights, inputs), calibration };
}

/** Cells with their place, the densest first. */
export function rankCells(grid: Grid, probabilities: readonly number[]) {
  return probabilities
    .map((probability, i) => {
      const [row, column] = [Math.floor(i / cellsPerSide), i % cellsPerSide];
      const areaShare = at(grid.rowShares, row) / cellsPerSide;
      const middle = grid.toDegrees((column + 0.5) / cellsPerSide, (row + 0.5) / cellsPerSide);
      return { ...middle, probability, areaShare, density: probability / areaShare };
    })
    .toSorted((a, b) => b.density - a.density);
}
type RankedCell = ReturnType<typeof rankCells>[number];

/** The smallest share of the area that holds so much probability; a cell counts in part where it would be too much. */
export function areaHolding(ranked: readonly RankedCell[], probability: number): number {
  let [held, area] = [0, 0];
  for (const cell of ranked) {
    const part = Math.min(1, (probability - held) / Math.max(cell.probability, 1e-12));
    if (part <= 0) break;
    held += part * cell.probability;
    area += part * cell.areaShare;
  }
  return Math.min(1, area);
}

/** How much probability the densest share of the area holds. */
export function probabilityWithin(ranked: readonly RankedCell[], areaShare: number): number {
  let [held, area] = [0, 0];
  for (const cell of ranked) {
    const part = Math.min(1, (areaShare - area) / cell.areaShare);
    if (part <= 0) break;
    held += part * cell.probability;
    area += part * cell.areaShare;
  }
  return Math.min(1, held);
}

export function reportLocation(
  impressions: DowsingLocationImpressions,
  outputs: NamedTensors,
  model: ModelStamp,
): ModelResult {
  const grid = gridOf(impressions.region);
  const ranked = rankCells(grid, firstRow(entry(outputs, 'cells')));
  const [first] = ranked;
  if (first === undefined) throw new RangeError('A grid without cells');
  const confidence = rescale(probabilityWithin(ranked, bestShare), firstRow(entry(outputs, 'calibration')));
  const near = `${first.lat.toFixed(3)}, ${first.lon.toFixed(3)}`;
  return {
    resultType: 'dowsing.location',
    confidenceScore: confidence,
    data: {
      model,
      chance: { value: bestShare, meaning: 'What is sought lies in any tenth of the region with a tenth by chance.' },
      summary: `The points gather near ${near}; what is sought lies in the best tenth of the region with ${(100 * confidence).toFixed(0)}%.`,
      limits: 'It weighs where the points lie and knows nothing of the map; probabilities hold for simulated searches.',
      cells: ranked.map(({ lon, lat, probability }) => ({ lon, lat, probability })),
      best: { lon: first.lon, lat: first.lat },
      area50Km2: grid.areaKm2 * areaHolding(ranked, 0.5),
      area90Km2: grid.areaKm2 * areaHolding(ranked, 0.9),
    },
  };
}
