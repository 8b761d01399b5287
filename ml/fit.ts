import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import { Random } from './random.ts';
import { type LiveTensors, type NamedTensors, takeRows, tensorOf, type Tf, toLive } from './tensors.ts';

export interface FitOptions {
  readonly tf: Tf;
  readonly initial: NamedTensors;
  /** Examples by row: every tensor's first axis counts them. */
  readonly examples: NamedTensors;
  readonly loss: (weights: LiveTensors, batch: LiveTensors) => Tensor;
  readonly epochs: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

/**
 * Trains weights by Adam with a learning rate that falls to a tenth; the order of examples comes from the seed.
 */
export async function fit(options: FitOptions): Promise<NamedTensors> {
  const { tf, initial, examples, loss, epochs, batchSize = 64, learningRate = 2e-3, seed, progress } = options;
  const random = new Random(seed);
  const count = Object.values(examples)[0]?.shape[0] ?? 0;
  const variables: Record<string, Variable> = {};
  for (const [name, tensor] of Object.entries(toLive(tf, initial))) variables[name] = tf.variable(tensor);
  const optimizer = tf.train.adam(learningRate);
  const started = performance.now();

  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = random.permutation(count);
    let sum = 0;
    let steps = 0;
    Object.assign(optimizer, { learningRate: learningRate * 0.1 ** (epoch / Math.max(1, epochs - 1)) });
    for (let start = 0; start < count; start += batchSize) {
      const batch = toLive(tf, takeRows(examples, order.slice(start, start + batchSize)));
      const cost = optimizer.minimize(() => asScalar(loss(variables, batch)), true, Object.values(variables));
      sum += cost?.dataSync()[0] ?? 0;
      steps += 1;
      tf.dispose([batch, cost ?? []]);
    }
    const perSecond = Math.round(((epoch + 1) * count) / ((performance.now() - started) / 1000));
    progress(`epoch ${epoch + 1}/${epochs}  loss ${(sum / steps).toFixed(4)}  ${perSecond} examples/s`);
  }

  const trained = await Promise.all(
    Object.entries(variables).map(async ([name, variable]) => {
      return [name, tensorOf(variable.shape, await variable.data())] as const;
    }),
  );
  tf.dispose(variables);
  optimizer.dispose();
  return Object.fromEntries(trained);
}

function asScalar(tensor: Tensor): Scalar {
  return tensor.asScalar();
}
