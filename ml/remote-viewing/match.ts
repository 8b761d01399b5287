import { meanOf } from '../../domain/statistics.ts';
import { at } from '../sequence.ts';
import { compute, entry, type NamedTensor, rowsOf, type Tf } from '../tensors.ts';
import type { Reading } from './network.ts';
import type { Phrase } from './wording.ts';

/** How often each descriptor, terrain and thing belongs to a simulated target: what a reading of nothing says. */
export type BaseRates = Pick<Reading, 'terrain' | 'descriptors' | 'things'>;

/** A target of a pool: its phrases, and what the network reads in them. */
export interface PoolTarget {
  readonly phrases: readonly Phrase[];
  readonly reading: Reading;
}

/** What is compared of a session and a target; each is 0 where there is nothing to compare. */
const matchFeatures = [
  'meaning of all phrases',
  'phrases of the target met',
  'phrases of the session met',
  'descriptors',
  'terrain',
  'things',
] as const;

/** A session with the targets that it is compared with. */
export interface Comparison extends PoolTarget {
  readonly pool: readonly PoolTarget[];
}

/** Compares each session with each target of its pool: a row of features a target. */
export async function compareAll(tf: Tf, comparisons: readonly Comparison[], base: BaseRates): Promise<number[][][]> {
  const pairs = comparisons.map(({ phrases, pool }) => ({ phrases, others: pool.flatMap((target) => target.phrases) }));
  const likenesses = await likenessesOf(tf, pairs);
  return comparisons.map((comparison, i) => featuresOf(comparison, at(likenesses, i), base));
}

function featuresOf(
  { phrases, reading, pool }: Comparison,
  likeness: readonly Float32Array[],
  base: BaseRates,
): number[][] {
  if (pool.length === 0) return [];
  const meant = sumOf(phrases);
  const described = above(reading.descriptors, base.descriptors);
  const shown = above(reading.things, base.things);
  let next = 0;
  return pool.map((target) => {
    const [from, to] = [next, (next += target.phrases.length)];
    const met = new Float64Array(to - from);
    const meets = new Float64Array(likeness.length);
    likeness.forEach((row, mine) => {
      for (let column = from; column < to; column++) {
        const value = row[column] ?? NaN;
        met[column - from] = Math.max(met[column - from] ?? NaN, value);
        meets[mine] = Math.max(meets[mine] ?? NaN, value);
      }
    });
    return [
      phrases.length > 0 && target.phrases.length > 0 ? cosine(meant, sumOf(target.phrases)) : 0,
      meanOf(Array.from(met)),
      meanOf(Array.from(meets)),
      cosine(described, above(target.reading.descriptors, base.descriptors)),
      Math.log(togetherness(reading.terrain, target.reading.terrain, base.terrain)),
      cosine(shown, above(target.reading.things, base.things)),
    ];
  });
}

/** How many numbers of phrases and likenesses, filling included, are compared together: it bounds the memory. */
const mostNumbers = 2 ** 24;

interface Pair {
  readonly phrases: readonly Phrase[];
  readonly others: readonly Phrase[];
}

/**
 * The cosine of every phrase of a pair with every other one: for each pair a row a phrase. All pairs go together, filled
 * up to the size of the largest.
 */
async function likenessesOf(tf: Tf, pairs: readonly Pair[]): Promise<Float32Array[][]> {
  const rows = Math.max(0, ...pairs.map(({ phrases }) => phrases.length));
  const columns = Math.max(0, ...pairs.map(({ others }) => others.length));
  const size = pairs.find(({ phrases }) => phrases.length > 0)?.phrases[0]?.vector.length ?? 0;
  if (pairs.length > 1 && pairs.length * ((rows + columns) * size + rows * columns) > mostNumbers) {
    const half = Math.ceil(pairs.length / 2);
    return [...(await likenessesOf(tf, pairs.slice(0, half))), ...(await likenessesOf(tf, pairs.slice(half)))];
  }
  const none = new Float32Array(columns);
  if (rows === 0 || columns === 0) return pairs.map(({ phrases }) => phrases.map(() => none));
  const inputs = {
    phrases: filled(
      pairs.map(({ phrases }) => phrases),
      [rows, size],
    ),
    others: filled(
      pairs.map(({ others }) => others),
      [columns, size],
    ),
  };
  const found = await compute(tf, inputs, (live) => ({
    likeness: tf.matMul(entry(live, 'phrases'), entry(live, 'others'), false, true),
  }));
  const byPair = rowsOf(entry(found, 'likeness'));
  return pairs.map(({ phrases }, i) =>
    phrases.map((_, row) => at(byPair, i).subarray(row * columns, (row + 1) * columns)),
  );
}

/** Lists of phrases as one tensor [lists, most, size]; a shorter list ends in zeros. */
function filled(lists: readonly (readonly Phrase[])[], [most, size]: readonly [number, number]): NamedTensor {
  const values = new Float32Array(lists.length * most * size);
  lists.forEach((phrases, list) => {
    phrases.forEach(({ vector }, i) => {
      values.set(vector, (list * most + i) * size);
    });
  });
  return { shape: [lists.length, most, size], values };
}

function sumOf(phrases: readonly Phrase[]): Float64Array {
  const sums = new Float64Array(phrases[0]?.vector.length ?? 0);
  for (const { vector } of phrases) {
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? NaN) + (vector[i] ?? NaN);
  }
  return sums;
}

function cosine(a: Float64Array, b: Float64Array): number {
  let [together, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [value, other] = [a[i] ?? NaN, b[i] ?? NaN];
    together += value * other;
    ofA += value * value;
    ofB += other * other;
  }
  return ofA > 0 && ofB > 0 ? together / Math.sqrt(ofA * ofB) : 0;
}

function above(probabilities: Float32Array, base: Float32Array): Float64Array {
  return Float64Array.from(probabilities, (probability, i) => probability - at(base, i));
}

/** How much more likely two readings are to be of one terrain than two that know nothing of each other. */
function togetherness(a: Float32Array, b: Float32Array, base: Float32Array): number {
  return a.reduce((sum, probability, i) => sum + (probability * at(b, i)) / at(base, i), 0);
}

/** The probabilities of the targets of a pool, by a conditional logit (McFadden 1974). */
export function scorePool(features: readonly (readonly number[])[], weights: readonly number[]): number[] {
  const logits = features.map((row) => row.reduce((sum, value, i) => sum + value * at(weights, i), 0));
  const highest = Math.max(...logits);
  const odds = logits.map((logit) => Math.exp(logit - highest));
  const total = odds.reduce((sum, value) => sum + value, 0);
  return odds.map((value) => value / total);
}

/** A pool for learning what the features weigh: the true target's row comes first. */
type KnownPool = readonly (readonly number[])[];

/** The weights under which the true targets are likeliest, by gradient ascent; the likelihood has one peak. */
export function fitMatch(pools: readonly KnownPool[]): number[] {
  const [steps, rate] = [800, 4];
  const weights = matchFeatures.map(() => 0);
  for (let step = 0; step < steps; step++) {
    const gradient = matchFeatures.map(() => 0);
    for (const pool of pools) {
      const scores = scorePool(pool, weights);
      pool.forEach((row, target) => {
        const missing = (target === 0 ? 1 : 0) - at(scores, target);
        row.forEach((value, i) => {
          gradient[i] = at(gradient, i) + missing * value;
        });
      });
    }
    gradient.forEach((slope, i) => {
      weights[i] = at(weights, i) + (rate * slope) / pools.length;
    });
  }
  return weights;
}

export interface Merit {
  /** Which share of the target the response describes. */
  readonly accuracy: number;
  /** Which share of the response is right. */
  readonly reliability: number;
  /** Their product. */
  readonly figureOfMerit: number;
}

/**
 * How well a response fits a target, both as fuzzy sets of descriptors, terrain and things (May, Utts, Humphrey, Luke,
 * Frivold and Trask 1990). Something belongs to a set as far as its probability exceeds what it is for any target.
 */
export function meritOf(response: Reading, target: Reading, base: BaseRates): Merit {
  const [given, true_] = [membership(response, base), membership(target, base)];
  const both = given.reduce((sum, value, i) => sum + Math.min(value, at(true_, i)), 0);
  const [size, trueSize] = [sum(given), sum(true_)];
  const [accuracy, reliability] = [trueSize > 0 ? both / trueSize : 0, size > 0 ? both / size : 0];
  return { accuracy, reliability, figureOfMerit: accuracy * reliability };
}

function membership(reading: Reading, base: BaseRates): number[] {
  return (['descriptors', 'terrain', 'things'] as const).flatMap((kind) =>
    Array.from(reading[kind], (probability, i) => {
      const usual = at(base[kind], i);
      return Math.max(0, (probability - usual) / (1 - usual));
    }),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
