import type { Tensor } from '@tensorflow/tfjs';
import type { Random } from './random.ts';
import { type LiveTensors, type NamedTensors, sizeOf, tensorOf, type Tf } from './tensors.ts';

/**
 * First weights for a network, from its layout: normal with He's deviation for kernels (He et al. 2015), zero for what
 * has one axis.
 */
export function initialWeights(random: Random, layout: Readonly<Record<string, readonly number[]>>): NamedTensors {
  return Object.fromEntries(
    Object.entries(layout).map(([name, shape]) => {
      const deviation = shape.length < 2 ? 0 : Math.sqrt(2 / sizeOf(shape.slice(0, -1)));
      return [
        name,
        tensorOf(
          shape,
          Array.from({ length: sizeOf(shape) }, () => random.normal(0, deviation)),
        ),
      ];
    }),
  );
}

/** A fully connected layer: `x · kernel + bias`. */
export function dense(tf: Tf, weights: LiveTensors, name: string, x: Tensor): Tensor {
  const kernel = weights[`${name}/kernel`];
  const bias = weights[`${name}/bias`];
  if (kernel === undefined || bias === undefined) throw new RangeError(`There is no layer "${name}"`);
  return tf.add(tf.matMul(x, kernel), bias);
}

/** The layout of a fully connected layer, for `initialWeights`. */
export function denseLayout(name: string, inputs: number, outputs: number): Record<string, readonly number[]> {
  return { [`${name}/kernel`]: [inputs, outputs], [`${name}/bias`]: [outputs] };
}
