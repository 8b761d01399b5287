import { z } from 'zod';
import type { SessionType } from '../../domain/session.ts';
import { Random } from '../random.ts';
import { packTensors, unpackTensors } from '../tensorFile.ts';
import type { NamedTensors } from '../tensors.ts';
import type { Recipe } from './recipe.ts';
import { seedFor } from './seeds.ts';

/** A training between two shards: all that is needed to go on. */
export interface TrainingState {
  /** How many epochs are done. */
  readonly epoch: number;
  /** How many shards of the epoch under way are done. */
  readonly shardsDone: number;
  readonly weights: NamedTensors;
  /** What Adam remembers, by network and in its own order; empty before the first shard. */
  readonly optimizers: Readonly<Record<string, readonly NamedTensors[string][]>>;
  /** What each network lost in the epoch of the last shard. */
  readonly lost: Readonly<Record<string, Lost>>;
}

/** The losses of batches, added up. */
export interface Lost {
  readonly sum: number;
  readonly batches: number;
}

/** The mean loss of each network in the epoch of the last shard. */
export function lossesOf({ lost }: Pick<TrainingState, 'lost'>): Record<string, number> {
  return Object.fromEntries(Object.entries(lost).map(([name, { sum, batches }]) => [name, sum / Math.max(1, batches)]));
}

/** The state before the first shard. */
export function firstState<T extends SessionType>(recipe: Recipe<T>, seed: number): TrainingState {
  const weights = Object.values(recipe.networks).map((network, i) =>
    network.initial(new Random(seedFor('weights', seed, i))),
  );
  return { epoch: 0, shardsDone: 0, weights: merge(weights), optimizers: {}, lost: {} };
}

/** The tensors of all networks together; each network has names of its own. */
export function merge(parts: readonly NamedTensors[]): NamedTensors {
  return Object.fromEntries(parts.flatMap((part) => Object.entries(part)));
}

const factsSchema = z.object({
  epoch: z.int().min(0),
  shardsDone: z.int().min(0),
  optimizers: z.record(z.string(), z.int()),
  lost: z.record(z.string(), z.object({ sum: z.number(), batches: z.int() })),
});
const [weightsPrefix, optimizerPrefix] = ['weights|', 'optimizer|'];

/** A checkpoint: the state as one file. */
export function packState({ weights, optimizers, ...facts }: TrainingState): Uint8Array {
  const tensors: Record<string, NamedTensors[string]> = {};
  for (const [name, tensor] of Object.entries(weights)) tensors[weightsPrefix + name] = tensor;
  for (const [network, moments] of Object.entries(optimizers)) {
    moments.forEach((tensor, i) => {
      tensors[`${optimizerPrefix}${network}|${i}`] = tensor;
    });
  }
  const counts = Object.fromEntries(Object.entries(optimizers).map(([network, { length }]) => [network, length]));
  return packTensors({ ...facts, optimizers: counts }, tensors);
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
  return { ...facts, weights, optimizers };
}
