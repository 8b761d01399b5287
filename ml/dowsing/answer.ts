import type { Tensor } from '@tensorflow/tfjs';
import type { DowsingAnswerImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { UnanalyzableError } from '../errors.ts';
import { meanOf } from '../../domain/statistics.ts';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { ModelStamp } from '../model.ts';
import { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { entry, firstRow, type LiveTensors, type NamedTensors, rowsOf, tensorOf, type Tf } from '../tensors.ts';
import { resample, stretchesOf, type Swing, swingOf } from './swing.ts';

/** The order of the network's outputs. */
export const answers = ['yes', 'no', 'unclear'] as const;
export type Answer = (typeof answers)[number];

const resamples = 16;
const featureCount = 17;
const [firstWidth, secondWidth] = [96, 48];

/** How often the interval of `yes` should hold what the same swing, recorded again, would be read as. */
export const intervalCover = 0.9;
/** In log odds: even a trace that never varies is read a little differently when it is recorded again. */
const leastSpread = 0.2;

/** Where there is no calibration, yes is taken to swing along y and no along x, as a head nods and shakes. */
const usualYes: Swing = [-1, 0, 0];
const usualNo: Swing = [1, 0, 0];

/**
 * The tensor of an answer, `features` [1 + resamples, features]: the trace itself in the first row, then traces that
 * could have come about as well, which show how far the reading depends on which moments were recorded.
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
  const spread = ([0, 1, 2] as const).map((axis) =>
    Math.sqrt(meanOf(each.map((one) => (one[axis] - swing[axis]) ** 2))),
  );
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

/** First weights of the network that reads answers. */
export function initialAnswerWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('answer/first', featureCount, firstWidth),
    ...denseLayout('answer/second', firstWidth, secondWidth),
    ...denseLayout('answer/last', secondWidth, answers.length),
  });
}

/** The network before its last step, which training needs: [rows, answers]. */
export function answerLogits(tf: Tf, weights: LiveTensors, features: Tensor): Tensor {
  const first = tf.relu(dense(tf, weights, 'answer/first', features));
  const second = tf.relu(dense(tf, weights, 'answer/second', first));
  return dense(tf, weights, 'answer/last', second);
}

/** The three probabilities of each row, [rows, answers]. */
export function predictAnswers(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Record<string, Tensor> {
  return { answers: tf.softmax(answerLogits(tf, weights, entry(inputs, 'features'))) };
}

/** What a trace is read as, and how far that varies over its resamples, in log odds of yes. */
export interface Reading {
  readonly yes: number;
  readonly no: number;
  readonly unclear: number;
  readonly logOdds: number;
  readonly spread: number;
}

/** Reads the first row as the trace itself, and the others as its resamples. */
export function readingOf(outputs: NamedTensors): Reading {
  const [said = [], ...others] = rowsOf(entry(outputs, 'answers'));
  const [yes, no] = [at(said, 0), at(said, 1)];
  const logOdds = logOddsOf(yes);
  const variance = meanOf(others.map((other) => (logOddsOf(at(other, 0)) - logOdds) ** 2));
  return { yes, no, unclear: Math.max(0, 1 - yes - no), logOdds, spread: leastSpread + Math.sqrt(variance) };
}

/**
 * Around the reading, in log odds, by as many spreads as it took on simulated swings that were recorded twice to hold
 * the second reading in 90 of 100 (split conformal prediction with locally scaled residuals, Lei et al. 2018).
 */
export function intervalOf({ logOdds, spread }: Reading, spreads: number): [low: number, high: number] {
  return [probabilityOf(logOdds - spreads * spread), probabilityOf(logOdds + spreads * spread)];
}

function logOddsOf(probability: number): number {
  const inside = Math.min(1 - 1e-6, Math.max(1e-6, probability));
  return Math.log(inside / (1 - inside));
}

function probabilityOf(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}

/** What a reading comes to in one word: the likeliest of the three. */
export function headlineOf({ yes, no, unclear }: Reading): Answer {
  if (unclear >= Math.max(yes, no)) return 'unclear';
  return yes >= no ? 'yes' : 'no';
}

/** The result that a person reads, with the interval in which the same swing would be read again. */
export function reportAnswer(
  impressions: DowsingAnswerImpressions,
  outputs: NamedTensors,
  model: ModelStamp,
): ModelResult {
  const reading = readingOf(outputs);
  const { yes, no, unclear } = reading;
  const headline = headlineOf(reading);
  const confidence = reading[headline];
  const own =
    impressions.trace.calibration === undefined
      ? 'No calibration was recorded, so yes is taken to swing up and down and no from side to side.'
      : "It was read against the person's own calibration swings.";
  const said = headline === 'unclear' ? 'The trace is unclear' : `The trace reads as a ${headline}`;
  return {
    resultType: 'dowsing.answer',
    confidenceScore: confidence,
    data: {
      model,
      chance: { value: 0.5, meaning: 'A coin toss between yes and no.' },
      summary: `${said} (${(100 * confidence).toFixed(0)}%). ${own}`,
      limits:
        'It says which answer the swing shows, not whether that answer is true; the interval (90%) is where the same swing would be read if it were recorded again.',
      yes,
      no,
      unclear,
      interval: intervalOf(reading, at(firstRow(entry(outputs, 'spreads')), 0)),
    },
  };
}
