import { meanOf } from '../../domain/statistics.ts';
import { at } from '../sequence.ts';
import { compute, entry, type NamedTensor, stackRows, tensorOf, type Tf } from '../tensors.ts';
import type { Reading, Seen } from './network.ts';
import type { Phrase } from './wording.ts';

/** How often each descriptor, terrain and thing belongs to a simulated target: what a reading of nothing says. */
export type BaseRates = Pick<Reading, 'terrain' | 'descriptors' | 'things'>;

/** A target of a pool: its phrases, and what the network reads in them. */
export interface PoolTarget {
  readonly phrases: readonly Phrase[];
  readonly reading: Reading;
}

/** What is compared of a session and a target; each is 0 where there is nothing to compare. */
export const matchFeatures = [
  'meaning of all phrases',
  'phrases of the target met',
  'phrases of the session met',
  'descriptors',
  'terrain',
  'things',
] as const;

/**
 * Compares a session with each target of a pool: a row of features a target.
 */
export async function compare(
  tf: Tf,
  session: Seen & { reading: Reading },
  pool: readonly PoolTarget[],
  base: BaseRates,
): Promise<number[][]> {
  const likeness = await likenessOf(
    tf,
    session.phrases,
    pool.flatMap(({ phrases }) => phrases),
  );
  const meant = sumOf(session.phrases);
  let next = 0;
  return pool.map(({ phrases, reading }) => {
    const columns = phrases.map((_, i) => next + i);
    next += phrases.length;
    const met = columns.map((column) => Math.max(0, ...likeness.map((row) => at(row, column))));
    const meets = likeness.map((row) => Math.max(0, ...columns.map((column) => at(row, column))));
    return [
      phrases.length > 0 && session.phrases.length > 0 ? cosine(meant, sumOf(phrases)) : 0,
      meanOf(met),
      meanOf(meets),
      cosine(above(session.reading.descriptors, base.descriptors), above(reading.descriptors, base.descriptors)),
      Math.log(togetherness(session.reading.terrain, reading.terrain, base.terrain)),
      cosine(above(session.reading.things, base.things), above(reading.things, base.things)),
    ];
  });
}

/** The cosine of every phrase with every other: a row a phrase of the session. */
async function likenessOf(tf: Tf, phrases: readonly Phrase[], others: readonly Phrase[]): Promise<Float32Array[]> {
  if (phrases.length === 0 || others.length === 0) return [];
  const inputs = { phrases: stacked(phrases), others: stacked(others) };
  const { likeness } = await compute(tf, inputs, (live) => ({
    likeness: tf.matMul(entry(live, 'phrases'), entry(live, 'others'), false, true),
  }));
  return phrases.map((_, i) =>
    (likeness?.values ?? new Float32Array()).subarray(i * others.length, (i + 1) * others.length),
  );
}

function stacked(phrases: readonly Phrase[]): NamedTensor {
  return entry(stackRows(phrases.map(({ vector }) => ({ vector: tensorOf([1, vector.length], vector) }))), 'vector');
}

function sumOf(phrases: readonly Phrase[]): number[] {
  const sums = Array.from(phrases[0]?.vector ?? [], () => 0);
  for (const { vector } of phrases) vector.forEach((value, i) => (sums[i] = at(sums, i) + value));
  return sums;
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let [together, ofA, ofB] = [0, 0, 0];
  a.forEach((value, i) => {
    const other = at(b, i);
    together += value * other;
    ofA += value * value;
    ofB += other * other;
  });
  return ofA > 0 && ofB > 0 ? together / Math.sqrt(ofA * ofB) : 0;
}

function above(probabilities: Float32Array, base: Float32Array): number[] {
  return Array.from(probabilities, (probability, i) => probability - at(base, i));
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
