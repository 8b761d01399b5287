import type { Tensor } from '@tensorflow/tfjs';
import type { DowsingLocationImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { bestShare } from '../../domain/scoring.ts';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { ModelStamp } from '../model.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import {
  entry,
  firstRow,
  type LiveTensors,
  type NamedTensor,
  type NamedTensors,
  tensorOf,
  type Tf,
} from '../tensors.ts';
import { effectiveCount, gatheringsOf, hypothesisCount } from './gathering.ts';
import { cellCount, cellsPerSide, type Grid, gridOf } from './grid.ts';
import { reactionsOf } from './reactions.ts';

/** What the posterior is mixed from: what every hypothesis says, and "anywhere". */
export const componentCount = hypothesisCount + 1;
const factCount = hypothesisCount + 2;
const hiddenWidth = 32;
/** Beyond this, in natural logarithms, the evidence is as good as certain. */
const mostEvidence = 30;

/**
 * The tensors of a location:
 * - `cells` [1, components, cells]: what every hypothesis says, and the even one last; each adds to 1,
 * - `evidence` [1, components]: how many times likelier than anywhere it makes the reactions (natural logarithm),
 * - `facts` [1, facts]: the same in the network's measure, how many reactions, and whether they were walked for.
 *
 * @throws UnanalyzableError when sweeps show no reaction.
 */
export function encodeLocation(impressions: DowsingLocationImpressions): NamedTensors {
  const grid = gridOf(impressions.region);
  const reactions = reactionsOf(impressions, grid);
  const gatherings = gatheringsOf(reactions, grid);
  const evidence = gatherings.map(({ logEvidence }) => Math.max(-mostEvidence, Math.min(mostEvidence, logEvidence)));
  const cells = new Float32Array(componentCount * cellCount);
  gatherings.forEach((gathering, i) => {
    cells.set(gathering.cells, i * cellCount);
  });
  for (let cell = 0; cell < cellCount; cell++) {
    cells[hypothesisCount * cellCount + cell] = areaShareOf(grid, cell);
  }
  return {
    cells: { shape: [1, componentCount, cellCount], values: cells },
    evidence: tensorOf([1, componentCount], [...evidence, 0]),
    facts: tensorOf(
      [1, factCount],
      [
        ...evidence.map((value) => value / 10),
        Math.log(effectiveCount(reactions.points)) / 4,
        reactions.walked === null ? 0 : 1,
      ],
    ),
  };
}

function areaShareOf({ rowShares }: Grid, cell: number): number {
  return at(rowShares, Math.floor(cell / cellsPerSide)) / cellsPerSide;
}

/** First weights of the network that says how far each hypothesis is to be trusted. */
export function initialLocationWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('location/hidden', factCount, hiddenWidth),
    ...denseLayout('location/odds', hiddenWidth, componentCount),
  });
}

/**
 * How likely each component is [n, components], as logarithms that softmax turns into shares. By Bayes' rule that is the
 * evidence times how likely each hypothesis is beforehand; the network learns the latter, and how far to trust evidence.
 */
export function componentLogits(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Tensor {
  const hidden = tf.relu(dense(tf, weights, 'location/hidden', entry(inputs, 'facts')));
  return tf.add(entry(inputs, 'evidence'), dense(tf, weights, 'location/odds', hidden));
}

/**
 * What is added to the logits so that so large a share of searches is taken to have no signal, where another share had
 * none in training: a change of the prior, as it goes into Bayes' rule.
 */
export function cautionFor(withoutSignal: { assumed: number; trained: number }): NamedTensor {
  const oddsOf = (share: number) => share / (1 - share);
  const added = Math.log(oddsOf(withoutSignal.assumed) / oddsOf(withoutSignal.trained));
  return tensorOf([1, componentCount], [...Array<number>(hypothesisCount).fill(0), added]);
}

/** The posterior over the cells, [n, cells]. */
export function predictLocations(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Record<string, Tensor> {
  const logits = tf.add(componentLogits(tf, weights, inputs), entry(weights, 'location/caution'));
  const shares = tf.expandDims(tf.softmax(logits), 1);
  return { cells: tf.squeeze(tf.matMul(shares, entry(inputs, 'cells')), [1]) };
}

/** Cells with their place, the densest first. */
export function rankCells(grid: Grid, probabilities: readonly number[]) {
  return probabilities
    .map((probability, cell) => {
      const [row, column] = [Math.floor(cell / cellsPerSide), cell % cellsPerSide];
      const areaShare = areaShareOf(grid, cell);
      const middle = grid.toDegrees((column + 0.5) / cellsPerSide, (row + 0.5) / cellsPerSide);
      return { ...middle, cell, probability, areaShare, density: probability / areaShare };
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

/** The result that a person reads: cells, best first, and the areas that hold half and nine tenths. */
export function reportLocation(
  impressions: DowsingLocationImpressions,
  outputs: NamedTensors,
  model: ModelStamp,
): ModelResult {
  const grid = gridOf(impressions.region);
  const ranked = rankCells(grid, firstRow(entry(outputs, 'cells')));
  const first = at(ranked, 0);
  const confidence = probabilityWithin(ranked, bestShare);
  const near = `${first.lat.toFixed(3)}, ${first.lon.toFixed(3)}`;
  return {
    resultType: 'dowsing.location',
    confidenceScore: confidence,
    data: {
      model,
      chance: { value: bestShare, meaning: 'What is sought lies in any tenth of the region with a tenth by chance.' },
      summary: `The reactions gather near ${near}; what is sought lies in the best tenth of the region with ${(100 * confidence).toFixed(0)}%.`,
      limits:
        'It weighs where the reactions lie and knows nothing of the map; probabilities hold for simulated searches.',
      cells: ranked.map(({ lon, lat, probability }) => ({ lon, lat, probability })),
      best: { lon: first.lon, lat: first.lat },
      area50Km2: grid.areaKm2 * areaHolding(ranked, 0.5),
      area90Km2: grid.areaKm2 * areaHolding(ranked, 0.9),
    },
  };
}
