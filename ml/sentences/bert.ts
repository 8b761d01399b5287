import type { Tensor } from '@tensorflow/tfjs';
import { entry, type LiveTensors, type Tf } from '../tensors.ts';

/** How many numbers stand for a token or a text. */
export const dimensions = 384;
/** The most tokens of a text, its first and last mark included; the encoder was tuned on no longer ones. */
export const maxTokens = 256;
const [layers, heads] = [6, 12];
const normEpsilon = 1e-12;

/** The rows of ids are filled up with this. */
export const padding = -1;

/**
 * The forward pass of BERT (Devlin et al. 2019) in the size of MiniLM (Wang et al. 2020), then the mean over the tokens
 * of each text, brought to length 1 (Reimers and Gurevych 2019).
 *
 * @param tokens Ids [texts, tokens], filled up with `padding`.
 * @returns Vectors [texts, dimensions].
 */
export function embedTokens(tf: Tf, weights: LiveTensors, tokens: Tensor): Tensor {
  const [texts = 0, length = 0] = tokens.shape;
  const present = tf.cast(tf.greater(tokens, padding), 'float32');
  // Far below every score, so that attention to padding comes out as 0.
  const maskedScores = tf.reshape(tf.mul(tf.sub(1, present), -1e9), [texts, 1, 1, length]);
  let x = embeddings(tf, weights, tokens);
  for (let i = 0; i < layers; i++) x = layer(tf, weights, `encoder.layer.${i}`, x, maskedScores);
  const each = tf.reshape(x, [texts, length, dimensions]);
  const sums = tf.sum(tf.mul(each, tf.expandDims(present, 2)), 1);
  return tf.div(sums, tf.norm(sums, 2, 1, true));
}

/** Each token as the sum of its word, its place and its kind, of which there is one: [texts * tokens, dimensions]. */
function embeddings(tf: Tf, weights: LiveTensors, tokens: Tensor): Tensor {
  const [texts = 0, length = 0] = tokens.shape;
  const ids = tf.cast(tf.maximum(tf.reshape(tokens, [-1]), 0), 'int32');
  const words = tf.gather(entry(weights, 'embeddings.word_embeddings.weight'), ids);
  const places = tf.slice(entry(weights, 'embeddings.position_embeddings.weight'), [0, 0], [length, dimensions]);
  const kind = tf.slice(entry(weights, 'embeddings.token_type_embeddings.weight'), [0, 0], [1, dimensions]);
  const sum = tf.add(tf.reshape(words, [texts, length, dimensions]), tf.add(places, kind));
  return normalise(tf, weights, 'embeddings.LayerNorm', tf.reshape(sum, [-1, dimensions]));
}

/** One layer of the transformer, x [texts * tokens, dimensions]: attention, then a network for each token. */
function layer(tf: Tf, weights: LiveTensors, name: string, x: Tensor, maskedScores: Tensor): Tensor {
  const mixed = linear(
    tf,
    weights,
    `${name}.attention.output.dense`,
    attend(tf, weights, `${name}.attention.self`, x, maskedScores),
  );
  const attended = normalise(tf, weights, `${name}.attention.output.LayerNorm`, tf.add(mixed, x));
  const hidden = gelu(tf, linear(tf, weights, `${name}.intermediate.dense`, attended));
  const out = linear(tf, weights, `${name}.output.dense`, hidden);
  return normalise(tf, weights, `${name}.output.LayerNorm`, tf.add(out, attended));
}

/** Scaled dot-product attention of several heads (Vaswani et al. 2017). */
function attend(tf: Tf, weights: LiveTensors, name: string, x: Tensor, maskedScores: Tensor): Tensor {
  const [texts = 0, , , length = 0] = maskedScores.shape;
  const size = dimensions / heads;
  const split = (part: string) =>
    tf.transpose(tf.reshape(linear(tf, weights, `${name}.${part}`, x), [texts, length, heads, size]), [0, 2, 1, 3]);
  const scores = tf.matMul(tf.mul(split('query'), 1 / Math.sqrt(size)), split('key'), false, true);
  const shares = tf.softmax(tf.add(scores, maskedScores));
  return tf.reshape(tf.transpose(tf.matMul(shares, split('value')), [0, 2, 1, 3]), [-1, dimensions]);
}

/** A fully connected layer as it is stored: one row of the kernel for each output. */
function linear(tf: Tf, weights: LiveTensors, name: string, x: Tensor): Tensor {
  return tf.add(tf.matMul(x, entry(weights, `${name}.weight`), false, true), entry(weights, `${name}.bias`));
}

/** Layer normalisation (Ba et al. 2016) over the last axis. */
function normalise(tf: Tf, weights: LiveTensors, name: string, x: Tensor): Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const unit = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, normEpsilon)));
  return tf.add(tf.mul(unit, entry(weights, `${name}.weight`)), entry(weights, `${name}.bias`));
}

/** The Gaussian error linear unit (Hendrycks and Gimpel 2016), exact. */
function gelu(tf: Tf, x: Tensor): Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
}
