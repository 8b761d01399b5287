import type { Tensor } from '@tensorflow/tfjs';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { Random } from '../random.ts';
import { entry, type LiveTensors, type NamedTensors, tensorOf, type Tf } from '../tensors.ts';
import { type Clusters, shapes } from './clusters.ts';
import { rowFacts } from './deviations.ts';
import { groupingFacts, mostClusters } from './groupings.ts';

/** One cluster, or 2 to `mostClusters` in each shape: what the network for groupings chooses from. */
export const groupingChoices = 1 + (mostClusters - 1) * shapes.length;

/** Which of the choices a grouping is. */
export function choiceOf({ sizes: { length }, shape }: Clusters): number {
  return length === 1 ? 0 : 1 + (length - 2) * shapes.length + shapes.indexOf(shape);
}

/** First weights of the network that says how many groups there are, and of which shape. */
export function initialGroupingWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('grouping/first', groupingFacts, 96),
    ...denseLayout('grouping/second', 96, 48),
    ...denseLayout('grouping/last', 48, groupingChoices),
  });
}

/** First weights of the network that says whether a row stands out. */
export function initialRowWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('rows/first', rowFacts, 32),
    ...denseLayout('rows/second', 32, 16),
    ...denseLayout('rows/last', 16, 1),
  });
}

/** Weights that calibration sets: as long as they are these, logits stay as they are. */
export const uncalibrated: NamedTensors = {
  'grouping/temperature': tensorOf([1], [1]),
  'rows/scaling': tensorOf([2], [1, 0]),
};

/** Facts of tables [n, groupingFacts] to the logits of groupings [n, groupingChoices]. */
export function groupingLogits(tf: Tf, weights: LiveTensors, facts: Tensor): Tensor {
  return threeLayers(tf, weights, 'grouping', facts);
}

/** Facts of rows [n, rowFacts] to the logit that a row does not belong [n, 1]. */
export function rowLogits(tf: Tf, weights: LiveTensors, facts: Tensor): Tensor {
  return threeLayers(tf, weights, 'rows', facts);
}

function threeLayers(tf: Tf, weights: LiveTensors, name: string, x: Tensor): Tensor {
  const first = tf.relu(dense(tf, weights, `${name}/first`, x));
  return dense(tf, weights, `${name}/last`, tf.relu(dense(tf, weights, `${name}/second`, first)));
}

/** The probability of each grouping. */
export function groupingProbabilities(tf: Tf, weights: LiveTensors, facts: Tensor): Tensor {
  return tf.softmax(tf.div(groupingLogits(tf, weights, facts), entry(weights, 'grouping/temperature')));
}

/** The probability of each row that it does not belong. */
export function rowProbabilities(tf: Tf, weights: LiveTensors, facts: Tensor): Tensor {
  const [stretch, shift] = tf.split(entry(weights, 'rows/scaling'), 2);
  if (stretch === undefined || shift === undefined) throw new RangeError('A scaling has two numbers');
  return tf.sigmoid(tf.add(tf.mul(rowLogits(tf, weights, facts), stretch), shift));
}
