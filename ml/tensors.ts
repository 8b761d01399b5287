import { at } from './sequence.ts';
import type * as tensorflow from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

/** TensorFlow.js as a value: the native backend brings its own copy, so nobody imports it for its functions. */
export type Tf = Omit<typeof tensorflow, 'default'>;

/** Numbers with a shape, row-major: how tensors travel between steps, threads and files. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}
export type NamedTensors = Readonly<Record<string, NamedTensor>>;

/** Weights or batches while TensorFlow.js works on them. */
export type LiveTensors = Readonly<Record<string, Tensor>>;

/** How many numbers a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/**
 * @throws RangeError when the numbers do not fill the shape.
 */
export function tensorOf(shape: readonly number[], values: ArrayLike<number>): NamedTensor {
  if (values.length !== sizeOf(shape)) {
    throw new RangeError(`${values.length} numbers do not fill the shape ${shape.join(' x ')}`);
  }
  return { shape, values: new Float32Array(values) };
}

/**
 * The entry of that name.
 *
 * @throws RangeError when there is none: an artefact of another network, or a slip in a name.
 */
export function entry<T>(named: Readonly<Record<string, T>>, name: string): T {
  const found = named[name];
  if (found === undefined) throw new RangeError(`There is no tensor "${name}"`);
  return found;
}

/** The rows of a tensor whose first axis counts them. */
export function rowsOf({ shape: [count = 0, ...rest], values }: NamedTensor): Float32Array[] {
  const size = sizeOf(rest);
  return Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

/** The first row, for what holds one session. */
export function firstRow(tensor: NamedTensor): number[] {
  return Array.from(rowsOf(tensor)[0] ?? []);
}

/** Some rows of every tensor, in the order given: a batch. */
export function takeRows(tensors: NamedTensors, order: readonly number[]): NamedTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => {
      const [, ...rest] = shape;
      const size = sizeOf(rest);
      const taken = new Float32Array(order.length * size);
      order.forEach((row, i) => {
        taken.set(values.subarray(row * size, (row + 1) * size), i * size);
      });
      return [name, { shape: [order.length, ...rest], values: taken }];
    }),
  );
}

/** Puts sessions of one shape on top of each other; each comes with a first axis of any length. */
export function stackRows(sessions: readonly NamedTensors[]): NamedTensors {
  const [first = {}] = sessions;
  return Object.fromEntries(
    Object.entries(first).map(([name, { shape }]) => {
      const parts = sessions.map((session) => entry(session, name));
      const rows = parts.reduce((sum, part) => sum + at(part.shape, 0), 0);
      const [, ...rest] = shape;
      const values = new Float32Array(rows * sizeOf(rest));
      let offset = 0;
      for (const part of parts) {
        values.set(part.values, offset);
        offset += part.values.length;
      }
      return [name, { shape: [rows, ...rest], values }];
    }),
  );
}

/** What came out of stacked sessions, parted again: so many rows to each. */
export function splitRows(tensors: NamedTensors, rowCounts: readonly number[]): NamedTensors[] {
  let start = 0;
  return rowCounts.map((count) => {
    const part: Record<string, NamedTensor> = {};
    for (const [name, { shape, values }] of Object.entries(tensors)) {
      const rest = shape.slice(1);
      const size = sizeOf(rest);
      part[name] = { shape: [count, ...rest], values: values.slice(start * size, (start + count) * size) };
    }
    start += count;
    return part;
  });
}

/** Tensors of TensorFlow.js with these numbers; whoever asks for them disposes of them. */
export function toLive(tf: Tf, tensors: NamedTensors): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape], 'float32')]),
  );
}

/**
 * Runs a computation over named tensors and brings its outputs back, leaving nothing behind in TensorFlow.js.
 */
export async function compute(
  tf: Tf,
  inputs: NamedTensors,
  step: (live: LiveTensors) => Record<string, Tensor>,
): Promise<NamedTensors> {
  const outputs = tf.tidy(() => step(toLive(tf, inputs)));
  const read = await Promise.all(
    Object.entries(outputs).map(async ([name, tensor]) => {
      const values = new Float32Array(await tensor.data());
      return [name, { shape: tensor.shape, values }] as const;
    }),
  );
  tf.dispose(outputs);
  return Object.fromEntries(read);
}

/** Makes something out of tensors, such as a network of its weights, and keeps those until they are released. */
export function held<T>(tf: Tf, make: () => T): { value: T; release: () => void } {
  const engine = tf.engine();
  engine.startScope();
  try {
    const value = make();
    const tensors = engine.state.activeScope.track.map((tensor) => tf.keep(tensor));
    return {
      value,
      release: () => {
        tf.dispose(tensors);
      },
    };
  } finally {
    engine.endScope();
  }
}
