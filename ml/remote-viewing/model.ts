import type { Tensor } from '@tensorflow/tfjs';
import { UnanalyzableError } from '../errors.ts';
import type { Model } from '../model.ts';
import { oneByOne } from '../oneByOne.ts';
import { compute, entry, type LiveTensors, type Tf, toLive } from '../tensors.ts';
import { encode, targetsOf, wordsSaid } from './encode.ts';
import { tagNames } from './lexicon.ts';
import { matchFeatures, matchLogits, objectProbabilities, readingLogits } from './network.ts';
import { report } from './report.ts';

/** Everything that the networks say of one session. */
function predictSession(tf: Tf, weights: LiveTensors, inputs: LiveTensors): Record<string, Tensor> {
  const facts = entry(inputs, 'facts');
  const hasSketch = tf.slice(facts, [0, tagNames.length + 2], [1, 1]);
  const each = objectProbabilities(tf, weights, entry(inputs, 'pictures'));
  const objects = tf.mul(tf.mean(each, 0, true), hasSketch);
  const logits = readingLogits(tf, weights, facts, objects);
  const read = { descriptors: tf.sigmoid(logits.descriptors), terrain: tf.softmax(logits.terrain) };
  const outputs = { ...read, objects, descriptorBase: tf.reshape(entry(weights, 'reading/base'), [1, -1]) };
  if (inputs.targets === undefined) return outputs;
  const features = tf.expandDims(matchFeatures(tf, read, inputs.targets), 0);
  return { ...outputs, targets: tf.reshape(tf.softmax(matchLogits(tf, weights, features)), [-1, 1]) };
}

export const remoteViewing: Model<'remote_viewing'> = {
  sessionType: 'remote_viewing',
  architecture: 1,
  encode({ impressions, metadata }) {
    if (impressions.sketches === undefined && wordsSaid(impressions).length === 0) {
      throw new UnanalyzableError('The impressions hold no word and no sketch.');
    }
    return encode(impressions, targetsOf(metadata));
  },
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    return oneByOne((inputs) => compute(tf, inputs, (session) => predictSession(tf, live, session)));
  },
  observe: () => ({}),
  report,
  example: {
    impressions: {
      words: ['water', 'tall structure'],
      sketches: [
        {
          width: 10,
          height: 10,
          strokes: [
            {
              points: [
                { x: 1, y: 1 },
                { x: 9, y: 9 },
              ],
            },
          ],
        },
      ],
    },
    metadata: {
      targets: [
        { id: 'a', words: ['sea'] },
        { id: 'b', words: ['house'] },
      ],
    },
  },
};
