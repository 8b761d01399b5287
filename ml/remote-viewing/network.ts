import type { Rank, Tensor, Tensor4D } from '@tensorflow/tfjs';
import { dense, denseLayout, initialWeights } from '../layers.ts';
import type { Random } from '../random.ts';
import { entry, type LiveTensors, type NamedTensors, type Tf } from '../tensors.ts';
import { objectNames } from './drawings.ts';
import { descriptorNames, tagNames, terrainsRead } from './lexicon.ts';
import { side } from './raster.ts';

/** Facts beside the tags: how many words were known (logarithm), whether there were any, whether there is a sketch. */
export const extraFacts = 3;
export const factCount = tagNames.length + extraFacts;
const [filters1, filters2, filters3, hidden] = [8, 16, 24, 48];
const flat = 3 * 3 * filters3;

/** What is compared with each target of a pool: shared words, and how well descriptors and terrain fit its words. */
export const matchFeatureCount = 3;

export function initialSketchWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    'sketch/conv1/kernel': [3, 3, 1, filters1],
    'sketch/conv1/bias': [filters1],
    'sketch/conv2/kernel': [3, 3, filters1, filters2],
    'sketch/conv2/bias': [filters2],
    'sketch/conv3/kernel': [3, 3, filters2, filters3],
    'sketch/conv3/bias': [filters3],
    ...denseLayout('sketch/hidden', flat, hidden),
    ...denseLayout('sketch/objects', hidden, objectNames.length),
  });
}

export function initialReadingWeights(random: Random): NamedTensors {
  return initialWeights(random, {
    ...denseLayout('reading/hidden', factCount + objectNames.length, hidden),
    ...denseLayout('reading/descriptors', hidden, descriptorNames.length),
    ...denseLayout('reading/terrain', hidden, terrainsRead.length),
  });
}

function convolve(tf: Tf, weights: LiveTensors, name: string, x: Tensor4D): Tensor4D {
  const kernel = entry(weights, `${name}/kernel`);
  const [height = 1, width = 1, inputs = 1, outputs = 1] = kernel.shape;
  const filter = tf.reshape<Rank.R4>(kernel, [height, width, inputs, outputs]);
  const convolved = tf.add(tf.conv2d(x, filter, 1, 'same'), entry(weights, `${name}/bias`));
  return tf.maxPool<Tensor4D>(
    tf.reshape<Rank.R4>(tf.relu(convolved), [x.shape[0], x.shape[1], x.shape[2], outputs]),
    2,
    2,
    'valid',
  );
}

/** Pictures [n, side, side, 1] to the logits of the objects [n, objects]. */
export function sketchLogits(tf: Tf, weights: LiveTensors, pictures: Tensor): Tensor {
  const input = tf.reshape<Rank.R4>(pictures, [-1, side, side, 1]);
  const first = convolve(tf, weights, 'sketch/conv1', input);
  const second = convolve(tf, weights, 'sketch/conv2', first);
  const third = convolve(tf, weights, 'sketch/conv3', second);
  const features = tf.relu(dense(tf, weights, 'sketch/hidden', tf.reshape(third, [-1, flat])));
  return dense(tf, weights, 'sketch/objects', features);
}

/** The calibrated probabilities of the objects: one temperature for all, found on sessions that training did not see. */
export function objectProbabilities(tf: Tf, weights: LiveTensors, pictures: Tensor): Tensor {
  return tf.softmax(tf.div(sketchLogits(tf, weights, pictures), entry(weights, 'sketch/temperature')));
}

/** Facts [n, facts] and object probabilities [n, objects] to logits of descriptors and of terrain. */
export function readingLogits(
  tf: Tf,
  weights: LiveTensors,
  facts: Tensor,
  objects: Tensor,
): { descriptors: Tensor; terrain: Tensor } {
  const features = tf.relu(dense(tf, weights, 'reading/hidden', tf.concat([facts, objects], 1)));
  return {
    descriptors: dense(tf, weights, 'reading/descriptors', features),
    terrain: dense(tf, weights, 'reading/terrain', features),
  };
}

/** Features [n, targets, matchFeatureCount] to the logits of the targets [n, targets]: a conditional logit. */
export function matchLogits(tf: Tf, weights: LiveTensors, features: Tensor): Tensor {
  const [sessions = 1, targets = 1] = features.shape;
  const flatFeatures = tf.reshape(features, [-1, matchFeatureCount]);
  return tf.reshape(tf.matMul(flatFeatures, entry(weights, 'match/kernel')), [sessions, targets]);
}

/**
 * Compares what was read of a session with the tags of each target's words.
 *
 * @param read Probabilities: descriptors [1, d] and terrain [1, t].
 * @param targets [n, tags + 1]: which tags a target's words have, then the share of words in common.
 */
export function matchFeatures(tf: Tf, read: { descriptors: Tensor; terrain: Tensor }, targets: Tensor): Tensor {
  const count = targets.shape[0];
  const ofDescriptors = tf.slice(targets, [0, 0], [count, descriptorNames.length]);
  const ofTerrain = tf.slice(targets, [0, descriptorNames.length], [count, terrainsRead.length]);
  const shared = tf.slice(targets, [0, tagNames.length], [count, 1]);
  return tf.concat(
    [shared, similarity(tf, read.descriptors, ofDescriptors), similarity(tf, read.terrain, ofTerrain)],
    1,
  );
}

/** The cosine between what was read and each target, after what all share is taken away: [n, 1]. */
function similarity(tf: Tf, read: Tensor, targets: Tensor): Tensor {
  const centred = (x: Tensor) => tf.sub(x, tf.mean(x, 1, true));
  const [a, b] = [centred(read), centred(targets)];
  const norm = (x: Tensor) => tf.sqrt(tf.add(tf.sum(tf.square(x), 1, true), 1e-6));
  return tf.matMul(tf.div(b, norm(b)), tf.div(a, norm(a)), false, true);
}
