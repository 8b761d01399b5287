import type { AdamOptimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import type { SessionType } from '../../domain/session.ts';
import type { Runtime } from '../backend.ts';
import { Random } from '../random.ts';
import { type NamedTensors, takeRows, tensorOf, type Tf, toLive } from '../tensors.ts';
import type { Examples, Network, Recipe } from './recipe.ts';
import { seedFor } from './seeds.ts';
import { type Lost, merge, type TrainingState } from './state.ts';

interface LearnOptions<T extends SessionType> {
  readonly runtime: Runtime;
  readonly recipe: Recipe<T>;
  readonly seed: number;
  /** Between which two shards the training is. */
  readonly state: TrainingState;
  /** The shard whose turn it is: shards are read in the order of their indexes, and each is shuffled here. */
  readonly shard: Examples;
  /** How many shards an epoch has. */
  readonly shards: number;
}

/**
 * Trains every network once on one shard, and says where the training is then. It depends on nothing but what it is
 * given, so a training that is taken up between any two shards ends where one without a break ends, bit for bit.
 */
export async function learnShard<T extends SessionType>(options: LearnOptions<T>): Promise<TrainingState> {
  const { runtime, recipe, seed, state, shard, shards } = options;
  const { tf } = runtime;
  const random = new Random(seedFor('order', seed, state.epoch * 4_096 + state.shardsDone));
  const before = state.shardsDone === 0 ? {} : state.lost;
  const learned: Learned[] = [];
  for (const [name, network] of Object.entries(recipe.networks)) {
    const learner = await openLearner(tf, name, network, state);
    try {
      const lost = learn(tf, learner, {
        examples: shard[name],
        random,
        factor: learningFactor(state.epoch, recipe.epochs),
      });
      learned.push({ ...(await readLearner(learner)), lost: sum(before[name], lost) });
    } finally {
      tf.dispose(learner.variables);
      learner.optimizer.dispose();
    }
  }
  const last = state.shardsDone + 1 === shards;
  return {
    epoch: state.epoch + (last ? 1 : 0),
    shardsDone: last ? 0 : state.shardsDone + 1,
    weights: merge(learned.map(({ weights }) => weights)),
    optimizers: Object.fromEntries(learned.map(({ name, moments }) => [name, moments])),
    lost: Object.fromEntries(learned.map(({ name, lost }) => [name, lost])),
  };
}

/** How many examples a shard holds, those of all networks together. */
export function countExamples(shard: Examples): number {
  return Object.values(shard).reduce((count, examples) => count + rowCount(examples), 0);
}

/** The share of the first learning rate: falls evenly, in logarithms, to a tenth in the last epoch. */
function learningFactor(epoch: number, epochs: number): number {
  return 0.1 ** (epoch / Math.max(1, epochs - 1));
}

interface Learner {
  readonly name: string;
  readonly network: Network;
  readonly variables: Record<string, Variable>;
  readonly optimizer: AdamOptimizer;
}

interface Learned {
  readonly name: string;
  readonly weights: NamedTensors;
  readonly moments: readonly NamedTensors[string][];
  readonly lost: Lost;
}

async function openLearner(tf: Tf, name: string, network: Network, state: TrainingState): Promise<Learner> {
  const own = Object.keys(network.initial(new Random(0)));
  const optimizer = tf.train.adam(network.learningRate);
  const moments = state.optimizers[name];
  if (moments !== undefined) {
    const saved = moments.map(({ shape, values }, i) => ({
      name: String(i),
      // Adam's first entry counts its steps, as a whole number without an axis.
      tensor: i === 0 ? tf.scalar(values[0] ?? 0, 'int32') : tf.tensor(values, [...shape], 'float32'),
    }));
    await optimizer.setWeights(saved);
    tf.dispose(saved.map(({ tensor }) => tensor));
  }
  const initial = toLive(tf, pick(state.weights, own));
  const variables = Object.fromEntries(Object.entries(initial).map(([key, tensor]) => [key, tf.variable(tensor)]));
  tf.dispose(initial);
  return { name, network, variables, optimizer };
}

function learn(
  tf: Tf,
  { network, variables, optimizer }: Learner,
  { examples, random, factor }: { examples: NamedTensors | undefined; random: Random; factor: number },
): Lost {
  const lost = { sum: 0, batches: 0 };
  if (examples === undefined) return lost;
  const count = rowCount(examples);
  const order = random.permutation(count);
  Object.assign(optimizer, { learningRate: network.learningRate * factor });
  for (let start = 0; start < count; start += network.batchSize) {
    const batch = toLive(tf, takeRows(examples, order.slice(start, start + network.batchSize)));
    const cost = optimizer.minimize(() => asScalar(network.loss(tf, variables, batch)), true, Object.values(variables));
    lost.sum += cost?.dataSync()[0] ?? 0;
    lost.batches += 1;
    tf.dispose([batch, cost ?? []]);
  }
  return lost;
}

async function readLearner({ name, variables, optimizer }: Learner): Promise<Omit<Learned, 'lost'>> {
  const weights = Object.fromEntries(
    await Promise.all(
      Object.entries(variables).map(async ([key, variable]) => {
        return [key, tensorOf(variable.shape, await variable.data())] as const;
      }),
    ),
  );
  const saved = await optimizer.getWeights();
  const moments = await Promise.all(
    saved.map(async ({ tensor }) => ({ shape: tensor.shape, values: Float32Array.from(await tensor.data()) })),
  );
  // Adam's first entry is made for whoever asks; the others are its own.
  saved[0]?.tensor.dispose();
  return { name, weights, moments };
}

function sum(before: Lost | undefined, now: Lost): Lost {
  return { sum: (before?.sum ?? 0) + now.sum, batches: (before?.batches ?? 0) + now.batches };
}

function rowCount(examples: NamedTensors): number {
  return Object.values(examples)[0]?.shape[0] ?? 0;
}

function pick(tensors: NamedTensors, names: readonly string[]): NamedTensors {
  return Object.fromEntries(names.flatMap((name) => (tensors[name] === undefined ? [] : [[name, tensors[name]]])));
}

function asScalar(tensor: Tensor): Scalar {
  return tensor.asScalar();
}
