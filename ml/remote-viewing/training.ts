import { at } from '../sequence.ts';
import { fit } from '../fit.ts';
import { initialWeights } from '../layers.ts';
import { expectedCalibrationError, shareOf } from '../figures.ts';
import type { Figure, Trainer, TrainingOptions } from '../model.ts';
import { Random } from '../random.ts';
import {
  compute,
  entry,
  firstRow,
  type LiveTensors,
  type NamedTensors,
  rowsOf,
  stackRows,
  tensorOf,
  type Tf,
  toLive,
} from '../tensors.ts';
import { drawSketch, objectNames } from './drawings.ts';
import { encode } from './encode.ts';
import { type SimulatedSession, simulateSession } from './generator.ts';
import { descriptorNames, terrainsRead } from './lexicon.ts';
import {
  initialReadingWeights,
  initialSketchWeights,
  matchFeatureCount,
  matchFeatures,
  matchLogits,
  objectProbabilities,
  readingLogits,
  sketchLogits,
} from './network.ts';
import { rasterise, side } from './raster.ts';

const poolSize = 5;
/** How many of the sketches that are learned from depict nothing. */
const emptyShare = 0.25;
/** The signal of the sessions that the figures are measured on; figures at none are shown beside it. */
const middleSignal = 0.5;

/**
 * Sketches with what they depict: `labels` [n, objects]. One that depicts nothing is as much the one thing as the other,
 * so that the network learns to be unsure of it.
 */
function simulateSketches(random: Random, count: number, empty: number): NamedTensors {
  const rows = Array.from({ length: count }, () => {
    const name = random.chance(empty) ? undefined : random.pick(objectNames);
    const shares = objectNames.map((one) => (name === undefined ? 1 / objectNames.length : Number(one === name)));
    return {
      pictures: tensorOf([1, side, side, 1], rasterise(drawSketch(random, name))),
      labels: tensorOf([1, objectNames.length], shares),
    };
  });
  return stackRows(rows);
}

function oneHot(names: readonly string[], present: (name: string) => boolean) {
  return tensorOf(
    [1, names.length],
    names.map((name) => (present(name) ? 1 : 0)),
  );
}

/** Sessions as the reading network sees them: facts, recognised objects, and what the target really held. */
async function simulateReadings(
  tf: Tf,
  weights: LiveTensors,
  sessions: readonly SimulatedSession[],
): Promise<NamedTensors> {
  const parts: NamedTensors[] = [];
  for (let start = 0; start < sessions.length; start += 500) {
    const some = sessions.slice(start, start + 500);
    const inputs = stackRows(some.map(({ impressions }) => encode(impressions, [])));
    const outputs = await compute(tf, inputs, (live) => ({
      facts: tf.clone(entry(live, 'facts')),
      objects: tf.mul(
        objectProbabilities(tf, weights, entry(live, 'pictures')),
        tf.tensor2d(some.map(({ impressions }) => [impressions.sketches === undefined ? 0 : 1])),
      ),
    }));
    const truth = some.map(({ target }) => ({
      descriptors: oneHot(descriptorNames, (name) => [...target.descriptors].some((held) => held === name)),
      terrain: oneHot(terrainsRead, (name) => name === target.terrain),
    }));
    parts.push({ ...outputs, ...stackRows(truth) });
  }
  return stackRows(parts);
}

/** Pools of targets with the session's own in first place: features [sessions, pool, features]. */
async function simulatePools(
  tf: Tf,
  weights: NamedTensors,
  random: Random,
  sessions: readonly SimulatedSession[],
): Promise<NamedTensors> {
  const live = toLive(tf, weights);
  const rows: NamedTensors[] = [];
  for (const session of sessions) {
    const decoys = Array.from({ length: poolSize - 1 }, () => simulateSession(random, 0).targetWords);
    const pool = [session.targetWords, ...decoys].map((words, i) => ({ id: String(i), words }));
    const { features } = await compute(tf, encode(session.impressions, pool), (inputs) => {
      const seen = tf.mean(objectProbabilities(tf, live, entry(inputs, 'pictures')), 0, true);
      const objects = session.impressions.sketches === undefined ? tf.zerosLike(seen) : seen;
      const logits = readingLogits(tf, live, entry(inputs, 'facts'), objects);
      const read = { descriptors: tf.sigmoid(logits.descriptors), terrain: tf.softmax(logits.terrain) };
      return { features: tf.expandDims(matchFeatures(tf, read, entry(inputs, 'targets')), 0) };
    });
    if (features !== undefined) rows.push({ features });
  }
  tf.dispose(live);
  const labels = tensorOf(
    [1, poolSize],
    Array.from({ length: poolSize }, (_, i) => (i === 0 ? 1 : 0)),
  );
  return stackRows(rows.map((row) => ({ ...row, labels })));
}

/** The temperature that makes the sketch network's probabilities fit sketches it was not trained on. */
async function findTemperature(tf: Tf, weights: NamedTensors, validation: NamedTensors): Promise<number> {
  const live = toLive(tf, weights);
  const { logits } = await compute(tf, validation, (seen) => ({
    logits: sketchLogits(tf, live, entry(seen, 'pictures')),
  }));
  tf.dispose(live);
  const rows = rowsOf(logits ?? tensorOf([0], []));
  const labels = rowsOf(entry(validation, 'labels'));
  const lossAt = (temperature: number) =>
    rows.reduce((sum, row, i) => {
      const scaled = Array.from(row, (logit) => logit / temperature);
      const highest = Math.max(...scaled);
      const total = scaled.reduce((all, value) => all + Math.exp(value - highest), 0);
      const meant = scaled.reduce((all, value, k) => all + value * (labels[i]?.[k] ?? 0), 0);
      return sum + highest + Math.log(total) - meant;
    }, 0);
  const candidates = Array.from({ length: 60 }, (_, i) => 0.4 + i * 0.05);
  return candidates.reduce((best, candidate) => (lossAt(candidate) < lossAt(best) ? candidate : best), 1);
}

function simulateSessions(random: Random, count: number, signal?: number): SimulatedSession[] {
  return Array.from({ length: count }, () =>
    simulateSession(random, signal ?? (random.chance(0.1) ? 0 : random.uniform())),
  );
}

async function train({ tf, seed, sessions, progress }: TrainingOptions): Promise<NamedTensors> {
  progress(`drawing ${sessions} sketches`);
  const sketches = simulateSketches(new Random(seed), sessions, emptyShare);
  const sketchWeights = await fit({
    tf,
    seed: seed + 1,
    progress,
    initial: initialSketchWeights(new Random(seed + 2)),
    examples: sketches,
    epochs: 8,
    loss: (weights, batch) =>
      tf.losses.softmaxCrossEntropy(entry(batch, 'labels'), sketchLogits(tf, weights, entry(batch, 'pictures'))),
  });
  const temperature = await findTemperature(
    tf,
    sketchWeights,
    simulateSketches(new Random(seed + 3), Math.min(2_000, sessions), emptyShare),
  );
  const seeing = { ...sketchWeights, 'sketch/temperature': tensorOf([1], [temperature]) };

  progress(`simulating ${sessions} sessions`);
  const live = toLive(tf, seeing);
  const readings = await simulateReadings(tf, live, simulateSessions(new Random(seed + 4), sessions));
  tf.dispose(live);
  const readingWeights = await fit({
    tf,
    seed: seed + 5,
    progress,
    initial: initialReadingWeights(new Random(seed + 6)),
    examples: readings,
    epochs: 10,
    loss: (weights, batch) => {
      const logits = readingLogits(tf, weights, entry(batch, 'facts'), entry(batch, 'objects'));
      const ofTerrain = tf.losses.softmaxCrossEntropy(entry(batch, 'terrain'), logits.terrain);
      const ofDescriptors = tf.losses.sigmoidCrossEntropy(entry(batch, 'descriptors'), logits.descriptors);
      return tf.add(ofTerrain, tf.mul(ofDescriptors, 3));
    },
  });
  const rows = rowsOf(entry(readings, 'descriptors'));
  const base = descriptorNames.map((_, i) => shareOf(rows, (row) => row[i] === 1));
  const reading = { ...seeing, ...readingWeights, 'reading/base': tensorOf([base.length], base) };

  progress('comparing with pools of targets');
  const pools = await simulatePools(
    tf,
    reading,
    new Random(seed + 8),
    simulateSessions(new Random(seed + 7), Math.min(3_000, sessions)),
  );
  const matchWeights = await fit({
    tf,
    seed: seed + 9,
    progress,
    initial: initialWeights(new Random(seed + 10), { 'match/kernel': [matchFeatureCount, 1] }),
    examples: pools,
    epochs: 20,
    learningRate: 0.05,
    loss: (weights, batch) =>
      tf.losses.softmaxCrossEntropy(entry(batch, 'labels'), matchLogits(tf, weights, entry(batch, 'features'))),
  });
  return { ...reading, ...matchWeights };
}

function indexOfHighest(row: ArrayLike<number>): number {
  return Array.from(row).reduce((best, value, i, all) => (value > (all[best] ?? -Infinity) ? i : best), 0);
}

async function evaluateSketches(tf: Tf, weights: LiveTensors, random: Random, count: number): Promise<Figure[]> {
  const chance = { chance: 1 / objectNames.length, chanceIs: `one of ${objectNames.length}` };
  const [drawn, empty] = [simulateSketches(random, count, 0), simulateSketches(random, count, 1)];
  const recognise = async (sketches: NamedTensors) => {
    const { found } = await compute(tf, sketches, (live) => ({
      found: objectProbabilities(tf, weights, entry(live, 'pictures')),
    }));
    // For a sketch of nothing, one thing after the other is taken for the truth.
    const labels = rowsOf(entry(sketches, 'labels')).map((row, i) =>
      Math.max(...row) === 1 ? row.indexOf(1) : i % objectNames.length,
    );
    return rowsOf(found ?? tensorOf([0], [])).map((row, i) => ({ row, label: at(labels, i) }));
  };
  const [seen, unseen] = [await recognise(drawn), await recognise(empty)];
  const first = ({ row, label }: { row: Float32Array; label: number }) => indexOfHighest(row) === label;
  const third = ({ row, label }: { row: Float32Array; label: number }) =>
    row.filter((value) => value > at(row, label)).length < 3;
  const certainty = [...seen, ...unseen.slice(0, Math.round((emptyShare / (1 - emptyShare)) * count))].map((one) => ({
    probability: Math.max(...one.row),
    right: first(one),
  }));
  return [
    { name: 'sketch: right object first', value: shareOf(seen, first), ...chance },
    {
      name: 'sketch: right object in the first three',
      value: shareOf(seen, third),
      chance: 3 / objectNames.length,
      chanceIs: `three of ${objectNames.length}`,
    },
    { name: 'sketch of nothing: "right" object first', value: shareOf(unseen, first), ...chance },
    {
      name: 'sketch: calibration error',
      value: expectedCalibrationError(certainty),
      chance: 0,
      chanceIs: 'perfect calibration',
    },
  ];
}

async function evaluateReadings(
  tf: Tf,
  weights: LiveTensors,
  random: Random,
  signal: number,
  count: number,
): Promise<Figure[]> {
  const readings = await simulateReadings(tf, weights, simulateSessions(random, count, signal));
  const { terrain, descriptors } = await compute(tf, readings, (live) => {
    const logits = readingLogits(tf, weights, entry(live, 'facts'), entry(live, 'objects'));
    return { terrain: tf.softmax(logits.terrain), descriptors: tf.sigmoid(logits.descriptors) };
  });
  const truth = rowsOf(entry(readings, 'terrain')).map((row) => row.indexOf(1));
  const held = rowsOf(entry(readings, 'descriptors'));
  const guesses = rowsOf(terrain ?? tensorOf([0], []));
  const named = rowsOf(descriptors ?? tensorOf([0], [])).map((row) => indexOfHighest(row));
  const base = firstRow({
    shape: [1, descriptorNames.length],
    values: Float32Array.from(await entry(weights, 'reading/base').data()),
  });
  const condition = `at signal ${signal}`;
  return [
    {
      name: `right terrain, ${condition}`,
      value: shareOf(guesses, (row, i) => indexOfHighest(row) === truth[i]),
      chance: 1 / terrainsRead.length,
      chanceIs: `one of ${terrainsRead.length}`,
    },
    {
      name: `first descriptor is the target's, ${condition}`,
      value: shareOf(named, (index, i) => held[i]?.[index] === 1),
      chance: named.reduce((sum, index) => sum + at(base, index), 0) / named.length,
      chanceIs: 'the same descriptors for any target',
    },
  ];
}

async function evaluatePools(
  tf: Tf,
  weights: NamedTensors,
  random: Random,
  signal: number,
  count: number,
): Promise<Figure> {
  const pools = await simulatePools(tf, weights, random, simulateSessions(random, count, signal));
  const live = toLive(tf, weights);
  const { scores } = await compute(tf, pools, (inputs) => ({
    scores: matchLogits(tf, live, entry(inputs, 'features')),
  }));
  tf.dispose(live);
  const rows = rowsOf(scores ?? tensorOf([0], []));
  const tieAware = rows.map((row) =>
    indexOfHighest(row) === 0 ? 1 / row.filter((value) => value === row[0]).length : 0,
  );
  const value = tieAware.reduce((sum, hit) => sum + hit, 0) / rows.length;
  return {
    name: `right target of ${poolSize} first, at signal ${signal}`,
    value,
    chance: 1 / poolSize,
    chanceIs: `one of ${poolSize}`,
  };
}

export const remoteViewingTrainer: Trainer = {
  sessionType: 'remote_viewing',
  version: '1.0.0',
  defaultSessions: 16_000,
  train,
  async evaluate({ tf, weights, seed, sessions }) {
    const random = new Random(seed);
    const live = toLive(tf, weights);
    const figures = [
      ...(await evaluateSketches(tf, live, random, sessions)),
      ...(await evaluateReadings(tf, live, random, middleSignal, sessions)),
      ...(await evaluateReadings(tf, live, random, 0, sessions)),
    ];
    tf.dispose(live);
    for (const signal of [middleSignal, 0]) figures.push(await evaluatePools(tf, weights, random, signal, sessions));
    return figures;
  },
};
