import { z } from 'zod';
import type { SessionType } from '../../domain/session.ts';
import { Random } from '../random.ts';
import { packTensors, unpackTensors } from '../tensorFile.ts';
import type { NamedTensors } from '../tensors.ts';
import type { Recipe } from './recipe.ts';
import { seedFor } from './seeds.ts';

/** A training between two epochs: all that is needed to go on. */
export interface TrainingState {
  /** How many epochs are done. */
  readonly epoch: number;
  readonly weights: NamedTensors;
  /** What Adam remembers, by network and in its own order; empty before the first epoch. */
  readonly optimizers: Readonly<Record<string, readonly NamedTensors[string][]>>;
}

/** The state before the first epoch. */
export function firstState<T extends SessionType>(recipe: Recipe<T>, seed: number): TrainingState {
  const weights = Object.values(recipe.networks).map((network, i) =>
    network.initial(new Random(seedFor('weights', seed, i))),
  );
  return { epoch: 0, weights: merge(weights), optimizers: {} };
}

/** The tensors of all networks together; each network has names of its own. */
export function merge(parts: readonly NamedTensors[]): NamedTensors {
  return Object.fromEntries(parts.flatMap((part) => Object.entries(part)));
}

const factsSchema = z.object({ epoch: z.int().min(0), optimizers: z.record(z.string(), z.int()) });
const [weightsPrefix, optimizerPrefix] = ['weights|', 'optimizer|'];

/** A checkpoint: the state as one file. */
export function packState({ epoch, weights, optimizers }: TrainingState): Uint8Array {
  const tensors: Record<string, NamedTensors[string]> = {};
  for (const [name, tensor] of Object.entries(weights)) tensors[weightsPrefix + name] = tensor;
  for (const [network, moments] of Object.entries(optimizers)) {
    moments.forEach((tensor, i) => {
      tensors[`${optimizerPrefix}${network}|${i}`] = tensor;
    });
  }
  const counts = Object.fromEntries(Object.entries(optimizers).map(([network, { length }]) => [network, length]));
  return packTensors({ epoch, optimizers: counts }, tensors);
}

/** @throws ArtefactCorruptError when the bytes are no checkpoint, or not as they were written. */
export function unpackState(bytes: Uint8Array): TrainingState {
  const { facts, tensors } = unpackTensors(bytes, factsSchema);
  const weights = Object.fromEntries(
    Object.entries(tensors).flatMap(([key, tensor]) =>
      key.startsWith(weightsPrefix) ? [[key.slice(weightsPrefix.length), tensor] as const] : [],
    ),
  );
  const optimizers = Object.fromEntries(
    Object.entries(facts.optimizers).map(([network, count]) => [
      network,
      Array.from(
        { length: count },
        (_, i) => tensors[`${optimizerPrefix}${network}|${i}`] ?? { shape: [0], values: new Float32Array() },
      ),
    ]),
  );
  return { epoch: facts.epoch, weights, optimizers };
}
