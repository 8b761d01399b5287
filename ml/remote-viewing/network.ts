import type { Rank, Tensor } from '@tensorflow/tfjs';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import {
  compute,
  entry,
  type LiveTensors,
  type NamedTensor,
  type NamedTensors,
  rowsOf,
  stackRows,
  tensorOf,
  type Tf,
} from '../tensors.ts';
import { objectNames } from './drawings/objects.ts';
import { descriptorNames, terrainNames } from './lexicon.ts';
import { side, stackPictures } from './raster.ts';
import { concepts, type Phrase } from './wording.ts';

/** Facts beside what the words point to: how many phrases there are (logarithm), whether any, whether there is a sketch. */
export const factCount = 3;
const [filters1, filters2, filters3] = [16, 32, 64];
const flat = 4 * 4 * filters3;
const [sketchHidden, hidden1, hidden2] = [128, 128, 96];

/** Shares are small, being many; multiplied by this they are of the size that first weights are made for. */
const shareScale = Math.sqrt(concepts.length);

/** First weights of what reads sketches and of what reads words. */
export function initialViewingWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    'viewing/conv1/kernel': [5, 5, 1, filters1],
    'viewing/conv1/bias': [filters1],
    'viewing/conv2/kernel': [3, 3, filters1, filters2],
    'viewing/conv2/bias': [filters2],
    'viewing/conv3/kernel': [3, 3, filters2, filters3],
    'viewing/conv3/bias': [filters3],
    ...denseLayout('viewing/sketch', flat, sketchHidden),
    ...denseLayout('viewing/objects', sketchHidden, objectNames.length),
    ...denseLayout('viewing/hidden1', concepts.length + factCount + objectNames.length, hidden1),
    ...denseLayout('viewing/hidden2', hidden1, hidden2),
    ...denseLayout('viewing/terrain', hidden2, terrainNames.length),
    ...denseLayout('viewing/descriptors', hidden2, descriptorNames.length),
    ...denseLayout('viewing/things', hidden2, objectNames.length),
  });
}

/** A convolution that halves the picture by its stride, which costs less than pooling. */
function convolve(tf: Tf, weights: LiveTensors, name: string, x: Tensor): Tensor<Rank.R4> {
  const kernel = tf.reshape<Rank.R4>(entry(weights, `${name}/kernel`), shapeOf4(entry(weights, `${name}/kernel`)));
  const input = tf.reshape<Rank.R4>(x, shapeOf4(x));
  const convolved = tf.add(tf.conv2d(input, kernel, 2, 'same'), entry(weights, `${name}/bias`));
  return tf.reshape<Rank.R4>(tf.relu(convolved), shapeOf4(convolved));
}

function shapeOf4({ shape: [a = 1, b = 1, c = 1, d = 1] }: Tensor): [number, number, number, number] {
  return [a, b, c, d];
}

/** Pictures [n, side, side, 1] to the logits of the objects [n, objects]. */
function sketchLogits(tf: Tf, weights: LiveTensors, pictures: Tensor): Tensor {
  const first = convolve(tf, weights, 'viewing/conv1', tf.reshape(pictures, [-1, side, side, 1]));
  const second = convolve(tf, weights, 'viewing/conv2', first);
  const third = convolve(tf, weights, 'viewing/conv3', second);
  const features = tf.relu(dense(tf, weights, 'viewing/sketch', tf.reshape(third, [-1, flat])));
  return dense(tf, weights, 'viewing/objects', features);
}

interface Logits {
  readonly terrain: Tensor;
  readonly descriptors: Tensor;
  readonly things: Tensor;
}

/** What words point to [n, concepts], facts [n, factCount] and what the sketches show [n, objects] to logits. */
function readingLogits(tf: Tf, weights: LiveTensors, words: Tensor, facts: Tensor, shown: Tensor): Logits {
  const seen = tf.concat([tf.mul(words, shareScale), facts, shown], 1);
  const first = tf.relu(dense(tf, weights, 'viewing/hidden1', seen));
  const second = tf.relu(dense(tf, weights, 'viewing/hidden2', first));
  return {
    terrain: dense(tf, weights, 'viewing/terrain', second),
    descriptors: dense(tf, weights, 'viewing/descriptors', second),
    things: dense(tf, weights, 'viewing/things', second),
  };
}

/**
 * What the network loses on simulated or real sessions, one sketch each:
 * - `pictures` [n, side, side, 1], `words` [n, concepts], `facts` [n, factCount],
 * - `objects` [n, objects]: what the sketch depicts, as shares; `terrain` [n, terrains], `descriptors`, `things`,
 * - `known` [n, 4]: 1 where the sketch's object, the terrain, the descriptors, the things are known, else 0.
 */
export function viewingLoss(tf: Tf, weights: LiveTensors, batch: LiveTensors): Tensor {
  const facts = entry(batch, 'facts');
  const sketch = sketchLogits(tf, weights, entry(batch, 'pictures'));
  const sketched = tf.slice(facts, [0, factCount - 1], [-1, 1]);
  const shown = tf.mul(tf.softmax(sketch), sketched);
  const logits = readingLogits(tf, weights, entry(batch, 'words'), facts, shown);
  const known = (column: number) => tf.slice(entry(batch, 'known'), [0, column], [-1, 1]);
  const one = (name: string, column: number, given: Tensor) =>
    tf.losses.softmaxCrossEntropy(entry(batch, name), given, tf.reshape(known(column), [-1]));
  const many = (name: string, column: number, given: Tensor, weight: number) =>
    tf.mul(tf.losses.sigmoidCrossEntropy(entry(batch, name), given, known(column)), weight);
  return tf.addN([
    one('objects', 0, sketch),
    one('terrain', 1, logits.terrain),
    many('descriptors', 2, logits.descriptors, 4),
    many('things', 3, logits.things, 4),
  ]);
}

/** A session as the network sees it. */
export interface Seen {
  /** The pictures of its sketches, any number. */
  readonly pictures: readonly Float32Array[];
  /** Its phrases, any number. */
  readonly phrases: readonly Phrase[];
}

/** What the network says of a session: probabilities, by the temperatures that the weights hold. */
export interface Reading {
  /** What the sketches show, on average; all 0 without one. */
  readonly objects: Float32Array;
  readonly terrain: Float32Array;
  readonly descriptors: Float32Array;
  /** What is to be seen at the target, which words name or a sketch shows. */
  readonly things: Float32Array;
}

/** What the temperatures are for, in their order. */
export const tempered = ['objects', 'terrain', 'descriptors', 'things'] as const;

/** The tensor that holds them. */
export const temperatures = 'viewing/temperatures';

/** What the phrases point to on average, and the facts. */
export function summarise({ pictures, phrases }: Seen): { words: Float32Array; facts: number[] } {
  const words = new Float32Array(concepts.length);
  for (const { shares } of phrases) {
    for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? NaN) + (shares[i] ?? NaN) / phrases.length;
  }
  const facts = [Math.log1p(phrases.length) / 3, phrases.length > 0 ? 1 : 0, pictures.length > 0 ? 1 : 0];
  return { words, facts };
}

const emptyRow = new Float32Array(objectNames.length);

/** Reads sessions that came together: one run over all their pictures, one over all of them. */
export async function readSessions(tf: Tf, weights: LiveTensors, sessions: readonly Seen[]): Promise<Reading[]> {
  const pictures = sessions.flatMap((session) => session.pictures);
  const shown = await lookAt(tf, weights, pictures);
  let next = 0;
  const ofSessions = sessions.map((session) => {
    const own = shown.slice(next, (next += session.pictures.length));
    return { raw: meanOfRows(own.map(({ raw }) => raw)), tempered: meanOfRows(own.map((one) => one.tempered)) };
  });
  const inputs = stackRows(
    sessions.map((session, i) => {
      const { words, facts } = summarise(session);
      return { words: row(words), facts: row(facts), shown: row(ofSessions[i]?.raw ?? emptyRow) };
    }),
  );
  const read = await compute(tf, inputs, (live) => {
    const logits = readingLogits(tf, weights, entry(live, 'words'), entry(live, 'facts'), entry(live, 'shown'));
    return {
      terrain: tf.softmax(tf.div(logits.terrain, temperatureOf(tf, weights, 'terrain'))),
      descriptors: tf.sigmoid(tf.div(logits.descriptors, temperatureOf(tf, weights, 'descriptors'))),
      things: tf.sigmoid(tf.div(logits.things, temperatureOf(tf, weights, 'things'))),
    };
  });
  const [terrain, descriptors, things] = [read.terrain, read.descriptors, read.things].map((one) =>
    rowsOf(one ?? none),
  );
  return sessions.map((_, i) => ({
    objects: ofSessions[i]?.tempered ?? emptyRow,
    terrain: at(terrain ?? [], i),
    descriptors: at(descriptors ?? [], i),
    things: at(things ?? [], i),
  }));
}

const none = tensorOf([0, 1], []);

function row(values: ArrayLike<number>): NamedTensor {
  return tensorOf([1, values.length], values);
}

function temperatureOf(tf: Tf, weights: LiveTensors, name: (typeof tempered)[number]): Tensor {
  return tf.slice(entry(weights, temperatures), [tempered.indexOf(name)], [1]);
}

/** The probabilities of the objects for each picture, as they go on into the network and as they are told. */
async function lookAt(tf: Tf, weights: LiveTensors, pictures: readonly Float32Array[]) {
  if (pictures.length === 0) return [];
  const { raw, told } = await compute(tf, { pictures: stackPictures(pictures) }, (live) => {
    const logits = sketchLogits(tf, weights, entry(live, 'pictures'));
    return { raw: tf.softmax(logits), told: tf.softmax(tf.div(logits, temperatureOf(tf, weights, 'objects'))) };
  });
  const toldRows = rowsOf(told ?? none);
  return rowsOf(raw ?? none).map((one, i) => ({ raw: one, tempered: at(toldRows, i) }));
}

function meanOfRows(rows: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(objectNames.length);
  for (const one of rows) {
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? NaN) + (one[i] ?? NaN) / rows.length;
  }
  return mean;
}
