import type { Tensor } from '@tensorflow/tfjs';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { Random } from '../random.ts';
import { entry, type LiveTensors, type NamedTensors, tensorOf, type Tf } from '../tensors.ts';
import {
  baselineNames,
  changeCorrelation,
  findPeriod,
  naiveError,
  plainForecasts,
  recentErrors,
  scaleOf,
} from './baselines.ts';

const count = baselineNames.length;
const factCount = 2 * count + 9;
export const quantiles = [0.1, 0.5, 0.9] as const;

/**
 * What the network sees of a series for each step ahead, in scales around the last value:
 * - `plain` [steps, baselines]: the plain forecasts,
 * - `facts` [steps, facts]: how they did lately, how they differ, how far ahead, how seasonal.
 */
export function encodeSeries(
  values: readonly number[],
  steps: readonly number[],
  horizon: number,
): NamedTensors & { plain: NamedTensors[string] } {
  const period = findPeriod(values);
  const scale = scaleOf(values, period);
  const last = values.at(-1) ?? 0;
  const plain = plainForecasts(values, period, steps).map((row) => row.map((value) => (value - last) / scale));
  const errors = recentErrors(values, period, horizon, scale);
  const oneStep = naiveError(values, 1) / scale;
  const ofSeries = [
    Math.log(values.length) / 5,
    period > 1 ? 1 : 0,
    Math.log(period) / 4,
    Math.min(3, oneStep),
    changeCorrelation(values, 1),
    changeCorrelation(values, 2),
    changeCorrelation(values, period),
  ];
  const facts = steps.map((step, i) => {
    const spread = (plain[i] ?? []).map((value) => Math.max(-10, Math.min(10, value)) / 5);
    return [...errors, ...spread, Math.log(step) / 3, Math.min(3, step / period / 3), ...ofSeries];
  });
  return {
    plain: tensorOf([steps.length, count], plain.flat()),
    facts: tensorOf([steps.length, factCount], facts.flat()),
  };
}

export function initialForecastWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('forecast/first', factCount, 48),
    ...denseLayout('forecast/second', 48, 24),
    ...denseLayout('forecast/last', 24, count + 2),
  });
}

/**
 * The quantiles [steps, 3] in scales around the last value: the middle is a weighted mean of the plain forecasts, the
 * outer ones lie as far below and above as the network thinks it may err.
 */
export function forecastQuantiles(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Tensor {
  const plain = entry(inputs, 'plain');
  const rows = plain.shape[0];
  const first = tf.relu(dense(tf, weights, 'forecast/first', entry(inputs, 'facts')));
  const second = tf.relu(dense(tf, weights, 'forecast/second', first));
  const last = dense(tf, weights, 'forecast/last', second);
  const shares = tf.softmax(tf.slice(last, [0, 0], [rows, count]));
  const middle = tf.sum(tf.mul(plain, shares), 1, true);
  const [below, above] = [0, 1].map((i) => tf.softplus(tf.slice(last, [0, count + i], [rows, 1])));
  if (below === undefined || above === undefined) throw new RangeError('A forecast has two sides');
  return tf.concat([tf.sub(middle, below), middle, tf.add(middle, above)], 1);
}

/** The pinball loss of the three quantiles (Koenker, Bassett 1978), far misses cut so that no series rules the rest. */
export function pinballLoss(tf: Tf, forecast: Tensor, truth: Tensor): Tensor {
  const error = tf.sub(truth, forecast);
  const levels = tf.tensor2d([[...quantiles]]);
  const loss = tf.maximum(tf.mul(levels, error), tf.mul(tf.sub(levels, 1), error));
  return tf.mean(tf.sum(loss, 1));
}
