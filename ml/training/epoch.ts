import type { AdamOptimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import type { SessionType } from '../../domain/session.ts';
import type { Runtime } from '../backend.ts';
import { Random } from '../random.ts';
import { type NamedTensors, takeRows, tensorOf, type Tf, toLive } from '../tensors.ts';
import type { Examples, Network, Recipe } from './recipe.ts';
import { seedFor } from './seeds.ts';
import { merge, type TrainingState } from './state.ts';

export interface EpochOptions<T extends SessionType> {
  readonly runtime: Runtime;
  readonly recipe: Recipe<T>;
  readonly seed: number;
  readonly state: TrainingState;
  /** The shards in any order; each is shuffled here. */
  readonly shards: AsyncIterable<Examples>;
  /** Called after each shard; when it throws, so does the epoch. */
  readonly progress: (progress: EpochProgress) => void;
}

export interface EpochProgress {
  readonly shardsDone: number;
  readonly examplesPerSecond: number;
  /** The mean loss of each network in this epoch so far. */
  readonly losses: Readonly<Record<string, number>>;
}

/** Trains every network once over all shards; what comes back is the state after it and what the networks lost. */
export async function trainEpoch<T extends SessionType>(
  options: EpochOptions<T>,
): Promise<{ state: TrainingState; losses: Readonly<Record<string, number>> }> {
  const {
    runtime: { tf },
    recipe,
    seed,
    state,
    shards,
    progress,
  } = options;
  const learners = await Promise.all(
    Object.entries(recipe.networks).map(([name, network]) => openLearner(tf, name, network, state)),
  );
  const startedAt = performance.now();
  let [shardsDone, examplesDone] = [0, 0];
  const losses = () =>
    Object.fromEntries(learners.map(({ name, lost }) => [name, lost.sum / Math.max(1, lost.batches)]));
  try {
    for await (const shard of shards) {
      const random = new Random(seedFor('order', seed, state.epoch * 4_096 + shardsDone));
      for (const learner of learners) {
        const examples = shard[learner.name];
        if (examples === undefined) continue;
        examplesDone += learnFrom(tf, learner, examples, random, learningFactor(state.epoch, recipe.epochs));
        // The event loop gets its turn, so that heartbeats and cancellation are not held up.
        await new Promise(setImmediate);
      }
      shardsDone += 1;
      const examplesPerSecond = Math.round(examplesDone / ((performance.now() - startedAt) / 1000));
      progress({ shardsDone, examplesPerSecond, losses: losses() });
    }
    const kept = await Promise.all(learners.map((learner) => readLearner(learner)));
    return {
      state: {
        epoch: state.epoch + 1,
        weights: merge(kept.map(({ weights }) => weights)),
        optimizers: Object.fromEntries(kept.map(({ name, optimizer }) => [name, optimizer])),
      },
      losses: losses(),
    };
  } finally {
    for (const { variables, optimizer } of learners) {
      tf.dispose(variables);
      optimizer.dispose();
    }
  }
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
  readonly lost: { sum: number; batches: number };
}

async function openLearner(tf: Tf, name: string, network: Network, state: TrainingState): Promise<Learner> {
  const own = Object.keys(network.initial(new Random(0)));
  const variables = Object.fromEntries(
    Object.entries(toLive(tf, pick(state.weights, own))).map(([key, tensor]) => [key, tf.variable(tensor)]),
  );
  const optimizer = tf.train.adam(network.learningRate);
  const moments = state.optimizers[name];
  if (moments !== undefined) {
    await optimizer.setWeights(
      moments.map(({ shape, values }, i) => ({
        name: String(i),
        // Adam's first entry counts its steps, as a whole number without an axis.
        tensor: i === 0 ? tf.scalar(values[0] ?? 0, 'int32') : tf.tensor(values, [...shape], 'float32'),
      })),
    );
  }
  return { name, network, variables, optimizer, lost: { sum: 0, batches: 0 } };
}

function learnFrom(
  tf: Tf,
  { network, variables, optimizer, lost }: Learner,
  examples: NamedTensors,
  random: Random,
  factor: number,
): number {
  const count = Object.values(examples)[0]?.shape[0] ?? 0;
  const order = random.permutation(count);
  Object.assign(optimizer, { learningRate: network.learningRate * factor });
  for (let start = 0; start < count; start += network.batchSize) {
    const batch = toLive(tf, takeRows(examples, order.slice(start, start + network.batchSize)));
    const cost = optimizer.minimize(() => asScalar(network.loss(tf, variables, batch)), true, Object.values(variables));
    lost.sum += cost?.dataSync()[0] ?? 0;
    lost.batches += 1;
    tf.dispose([batch, cost ?? []]);
  }
  return count;
}

async function readLearner({ name, variables, optimizer }: Learner) {
  const weights = Object.fromEntries(
    await Promise.all(
      Object.entries(variables).map(async ([key, variable]) => {
        return [key, tensorOf(variable.shape, await variable.data())] as const;
      }),
    ),
  );
  const moments = await optimizer.getWeights();
  const kept = await Promise.all(
    moments.map(async ({ tensor }) => ({ shape: tensor.shape, values: Float32Array.from(await tensor.data()) })),
  );
  return { name, weights, optimizer: kept };
}

function pick(tensors: NamedTensors, names: readonly string[]): NamedTensors {
  return Object.fromEntries(names.flatMap((name) => (tensors[name] === undefined ? [] : [[name, tensors[name]]])));
}

function asScalar(tensor: Tensor): Scalar {
  return tensor.asScalar();
}
