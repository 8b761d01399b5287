import { meanOf } from '../../domain/statistics.ts';
import { at } from '../sequence.ts';
import { type NamedTensors, tensorOf } from '../tensors.ts';
import type { MeasureOptions } from '../training/recipe.ts';
import { objectNames } from './drawings/objects.ts';
import { anySignal, type Target } from './generator.ts';
import { descriptorNames, terrainNames } from './lexicon.ts';
import { type BaseRates, fitMatch } from './match.ts';
import { baseTensors, conceptTensor, matchTensor } from './model.ts';
import { temperatures, tempered } from './network.ts';
import { type Judged, judgeSimulated } from './simulation.ts';
import { phraseBank } from './wording.ts';

const poolSize = 5;

/**
 * Adds to trained weights the directions of the concepts, and what is found on sessions whose words and targets neither
 * training nor the test has: how often things are true of any target, the temperatures (Guo et al. 2017) that make
 * probabilities fit what is true, and what the comparisons with a target weigh.
 */
export async function calibrate({ runtime, weights, random, sessions }: MeasureOptions): Promise<NamedTensors> {
  const { directions } = await phraseBank(runtime, 'learned');
  const options = { runtime, random, part: 'calibration', signal: anySignal, sessions } as const;
  const asTrained = tempered.map(() => 1);
  const read = await judgeSimulated({
    ...options,
    weights: { ...weights, [temperatures]: row(asTrained) },
    base: nothingKnown,
    poolSize: 0,
  });
  const base = baseRatesOf(read.map(({ session }) => session.target));
  const known = { ...weights, [temperatures]: row(temperaturesFor(read)) };
  const pools = await judgeSimulated({ ...options, weights: known, base, poolSize });
  return {
    ...known,
    [conceptTensor]: row(directions),
    [matchTensor]: row(fitMatch(pools.map(({ features }) => features))),
    [baseTensors.terrain]: row(base.terrain),
    [baseTensors.descriptors]: row(base.descriptors),
    [baseTensors.things]: row(base.things),
  };
}

function row(values: ArrayLike<number>) {
  return tensorOf([values.length], values);
}

/** As long as no pool is compared, base rates are not needed. */
const nothingKnown: BaseRates = {
  terrain: new Float32Array(),
  descriptors: new Float32Array(),
  things: new Float32Array(),
};

/** How often each thing is true of a target; never quite 0 or 1, however few targets there are. */
function baseRatesOf(targets: readonly Target[]): BaseRates {
  const truths = targets.map(truthOf);
  const rates = (kind: keyof BaseRates) =>
    Float32Array.from(
      at(truths, 0)[kind],
      (_, i) => (truths.reduce((sum, truth) => sum + at(truth[kind], i), 0) + 0.5) / (truths.length + 1),
    );
  return { terrain: rates('terrain'), descriptors: rates('descriptors'), things: rates('things') };
}

/** What holds of a target, as ones and zeros in the order of the network's outputs. */
function truthOf({ terrain, object, others, descriptors }: Target): Record<keyof BaseRates, number[]> {
  return {
    terrain: terrainNames.map((name) => Number(name === terrain)),
    descriptors: descriptorNames.map((name) => Number(descriptors.has(name))),
    things: objectNames.map((name) => Number(name === object || others.includes(name))),
  };
}

type Loss = (temperature: number) => number;

/** The temperatures under which what was true is likeliest, in the order of `tempered`. */
function temperaturesFor(read: readonly Judged[]): number[] {
  const lossOf = (kind: (typeof tempered)[number]): Loss => {
    switch (kind) {
      case 'objects': {
        const sketched = read.filter(({ session }) => session.sketched);
        return (temperature) =>
          sum(sketched, ({ session: { drawn }, reading: { objects } }) =>
            drawn === undefined
              ? meanOf(objectNames.map((_, i) => surprise(objects, i, temperature)))
              : surprise(objects, objectNames.indexOf(drawn), temperature),
          );
      }
      case 'terrain':
        return (temperature) =>
          sum(read, ({ session, reading }) =>
            surprise(reading.terrain, terrainNames.indexOf(session.target.terrain), temperature),
          );
      case 'descriptors':
      case 'things':
        return (temperature) =>
          sum(read, ({ session, reading }) => eachSurprise(reading[kind], truthOf(session.target)[kind], temperature));
    }
  };
  return tempered.map((kind) => lowest(lossOf(kind)));
}

const leastProbability = 1e-9;

/** The log loss of the true one of exclusive probabilities after tempering. */
function surprise(probabilities: Float32Array, truth: number, temperature: number): number {
  const odds = Array.from(probabilities, (value) => Math.max(value, leastProbability) ** (1 / temperature));
  return -Math.log(at(odds, truth) / odds.reduce((total, value) => total + value, 0));
}

/** The log loss of probabilities that may be true together, after tempering. */
function eachSurprise(probabilities: Float32Array, truth: readonly number[], temperature: number): number {
  return probabilities.reduce((total, value, i) => {
    const inside = Math.min(1 - leastProbability, Math.max(leastProbability, value));
    const probability = 1 / (1 + ((1 - inside) / inside) ** (1 / temperature));
    return total - Math.log(at(truth, i) === 1 ? probability : 1 - probability);
  }, 0);
}

function lowest(loss: Loss): number {
  const candidates = Array.from({ length: 64 }, (_, i) => 0.4 * 1.04 ** i);
  const losses = candidates.map(loss);
  return at(candidates, losses.indexOf(Math.min(...losses)));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
