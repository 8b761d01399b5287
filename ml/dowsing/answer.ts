import type { Tensor } from '@tensorflow/tfjs';
import type { DowsingAnswerImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { UnanalyzableError } from '../errors.ts';
import { quantileOf } from '../figures.ts';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { ModelStamp } from '../model.ts';
import { Random } from '../random.ts';
import { entry, type LiveTensors, type NamedTensors, rowsOf, tensorOf, type Tf } from '../tensors.ts';
import { resample, stretchesOf, type Swing, swingOf } from './swing.ts';

/** The order of the network's outputs. */
export const answers = ['yes', 'no', 'unclear'] as const;
export type Answer = (typeof answers)[number];

const resamples = 40;
const featureCount = 17;

/** Where there is no calibration, yes is taken to swing along y and no along x, as a head nods and shakes. */
const usualYes: Swing = [-1, 0, 0];
const usualNo: Swing = [1, 0, 0];

/**
 * The tensor of an answer, `features` [1 + resamples, features]: the trace itself in the first row, then traces that
 * could have come about as well, from which the interval is made.
 *
 * @throws UnanalyzableError when nothing moved.
 */
export function encodeAnswer({ trace }: DowsingAnswerImpressions, count = resamples): NamedTensors {
  const stretches = stretchesOf(trace.points);
  const swing = swingOf(stretches);
  if (swing.every((value) => value === 0)) {
    throw new UnanalyzableError('The trace does not move, so there is no swing to read.');
  }
  const each = stretches.map((stretch) => swingOf([stretch]));
  const spread = ([0, 1, 2] as const).map((axis) => {
    return Math.sqrt(each.reduce((sum, one) => sum + (one[axis] - swing[axis]) ** 2, 0) / Math.max(1, each.length));
  });
  const known = trace.calibration;
  const yes = known === undefined ? usualYes : swingOf(stretchesOf(known.yes));
  const no = known === undefined ? usualNo : swingOf(stretchesOf(known.no));
  const facts = [...spread, Math.log(trace.points.length) / 5, known === undefined ? 0 : 1, ...yes, ...no];
  const random = new Random(1);
  const swings = [swing, ...Array.from({ length: count }, () => swingOf(resample(random, stretches)))];
  const rows = swings.flatMap((one) => [...one, ...facts, likeness(one, yes), likeness(one, no), likeness(yes, no)]);
  return { features: tensorOf([1 + count, featureCount], rows) };
}

function likeness(a: Swing, b: Swing): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function initialAnswerWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('answer/first', featureCount, 48),
    ...denseLayout('answer/second', 48, 24),
    ...denseLayout('answer/last', 24, answers.length),
  });
}

export function answerLogits(tf: Tf, weights: LiveTensors, features: Tensor): Tensor {
  const first = tf.relu(dense(tf, weights, 'answer/first', features));
  const second = tf.relu(dense(tf, weights, 'answer/second', first));
  return dense(tf, weights, 'answer/last', second);
}

export function predictAnswer(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Record<string, Tensor> {
  return { answers: tf.softmax(answerLogits(tf, weights, entry(inputs, 'features'))) };
}

export function reportAnswer(
  impressions: DowsingAnswerImpressions,
  outputs: NamedTensors,
  model: ModelStamp,
): ModelResult {
  const [said, ...others] = rowsOf(entry(outputs, 'answers'));
  const [yes = 0, no = 0] = said ?? [];
  const unclear = Math.max(0, 1 - yes - no);
  const possible = [yes, ...others.map(([other = 0]) => other)];
  const interval: [number, number] = [quantileOf(possible, 0.05), quantileOf(possible, 0.95)];
  const headline: Answer = unclear >= Math.max(yes, no) ? 'unclear' : yes >= no ? 'yes' : 'no';
  const confidence = { yes, no, unclear }[headline];
  const own =
    impressions.trace.calibration === undefined
      ? 'No calibration was recorded, so yes is taken to swing up and down and no from side to side.'
      : "It was read against the person's own calibration swings.";
  const reading = headline === 'unclear' ? 'The trace is unclear' : `The trace reads as a ${headline}`;
  return {
    resultType: 'dowsing.answer',
    confidenceScore: confidence,
    data: {
      model,
      chance: { value: 0.5, meaning: 'A coin toss between yes and no.' },
      summary: `${reading} (${(100 * confidence).toFixed(0)}%). ${own}`,
      limits:
        'It says which answer the swing shows, not whether that answer is true; the interval (90%) covers how the swing varied over time.',
      yes,
      no,
      unclear,
      interval,
    },
  };
}
