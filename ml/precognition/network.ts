import type { Tensor } from '@tensorflow/tfjs';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { Random } from '../random.ts';
import { entry, type LiveTensors, type NamedTensors, type Tf } from '../tensors.ts';
import { levels, partCount, sumsToQuantiles } from './distribution.ts';
import { baselineCount, factCount } from './encode.ts';

/** A plain forecast that erred so many times as much as the best one gets no share in the middle. */
const farWorse = 30;

/**
 * The network's answer to a step: shares of the plain forecasts in the middle and of their errors in the width, what makes
 * the three distributions, and how much of the first is what the series usually is.
 */
const [ofValue, ofExtreme] = [partCount - 1, partCount];
const answerCount = 2 * baselineCount + ofValue + 2 * ofExtreme + 1;

/** First weights of the network that weighs the plain forecasts. */
export function initialForecastWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('forecast/first', factCount, 96),
    ...denseLayout('forecast/second', 96, 48),
    ...denseLayout('forecast/last', 48, answerCount),
  });
}

/**
 * The distributions [steps, 3 parts] of the value at each step, the highest and the lowest value until then, as
 * `distribution.ts` reads them. The first lies between two: one whose middle is a weighted mean of the plain forecasts and
 * whose width grows with what those erred by in the past, and what the series usually is (rain is mostly none). An extreme
 * lies beyond the extreme of the forecasts.
 */
export function forecastParts(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Tensor {
  const first = tf.relu(dense(tf, weights, 'forecast/first', entry(inputs, 'facts')));
  const second = tf.relu(dense(tf, weights, 'forecast/second', first));
  const last = dense(tf, weights, 'forecast/last', second);
  const [rows] = last.shape;
  const part = (from: number, count: number) => tf.slice(last, [0, from], [rows, count]);
  const errors = entry(inputs, 'errors');
  const hopeless = tf.greater(errors, tf.mul(tf.min(errors, 1, true), farWorse));
  const shares = tf.softmax(tf.where(hopeless, tf.scalar(-1e9), part(0, baselineCount)));
  const mixed = (name: string) => tf.sum(tf.mul(entry(inputs, name), shares), 1, true);
  const sharesOfWidth = tf.softmax(part(baselineCount, baselineCount));
  const width = tf.sum(tf.mul(errors, sharesOfWidth), 1, true);
  const distances = (from: number, count: number) => tf.mul(tf.softplus(part(2 * baselineCount + from, count)), width);
  const beyondHighest = distances(ofValue, ofExtreme);
  const beyondLowest = distances(ofValue + ofExtreme, ofExtreme);
  const firstOf = (extreme: Tensor) => tf.slice(extreme, [0, 0], [rows, 1]);
  const restOf = (extreme: Tensor) => tf.slice(extreme, [0, 1], [rows, ofExtreme - 1]);
  const usualness = tf.sigmoid(part(answerCount - 1, 1));
  const value = tf.concat([mixed('plain'), distances(0, ofValue)], 1);
  return tf.concat(
    [
      tf.add(value, tf.mul(usualness, tf.sub(entry(inputs, 'usual'), value))),
      tf.add(mixed('highest'), firstOf(beyondHighest)),
      restOf(beyondHighest),
      tf.sub(mixed('lowest'), firstOf(beyondLowest)),
      restOf(beyondLowest),
    ],
    1,
  );
}

/** The quantiles [steps, 3, levels] that the parts of distributions stand for. */
function quantilesOf(tf: Tf, parts: Tensor): Tensor {
  const [steps] = parts.shape;
  return tf
    .matMul(tf.reshape(parts, [steps * 3, partCount]), tf.tensor2d(sumsToQuantiles))
    .reshape([steps, 3, levels.length]);
}

/** The pinball loss of every quantile (Koenker, Bassett 1978) of the three distributions; `truth` [steps, 3]. */
export function pinballLoss(tf: Tf, parts: Tensor, truth: Tensor): Tensor {
  const quantiles = quantilesOf(tf, parts);
  const error = tf.sub(tf.expandDims(truth, 2), quantiles);
  const shares = tf.tensor1d([...levels]);
  return tf.mean(tf.maximum(tf.mul(shares, error), tf.mul(tf.sub(shares, 1), error)));
}
