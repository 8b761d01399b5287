import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import type { SessionType } from '../../domain/session.ts';
import type { Runtime } from '../backend.ts';
import { Random } from '../random.ts';
import { packTensors, unpackTensors } from '../tensorFile.ts';
import type { NamedTensors } from '../tensors.ts';
import type { Examples, Recipe } from './recipe.ts';
import { seedFor } from './seeds.ts';

/** A part of the training data: small enough to be held in memory, large enough to be worth a file. */
export interface Shard {
  readonly index: number;
  readonly sessions: number;
}

const sessionsPerShard = 10_000;

/** The shards of so many simulated sessions. */
export function planShards(sessions: number): Shard[] {
  return Array.from({ length: Math.ceil(sessions / sessionsPerShard) }, (_, index) => ({
    index,
    sessions: Math.min(sessionsPerShard, sessions - index * sessionsPerShard),
  }));
}

/** The bytes of a shard; the same recipe, seed and shard give the same bytes. */
export async function makeShard<T extends SessionType>(
  recipe: Recipe<T>,
  { runtime, seed, shard }: { runtime: Runtime; seed: number; shard: Shard },
): Promise<Uint8Array> {
  const random = new Random(seedFor('shard', seed, shard.index));
  return packExamples(await recipe.simulate({ runtime, random, sessions: shard.sessions }));
}

const separator = '|';

/** Examples as one compressed file. */
export function packExamples(examples: Examples): Uint8Array {
  const flat: Record<string, NamedTensors[string]> = {};
  for (const [network, tensors] of Object.entries(examples)) {
    for (const [name, tensor] of Object.entries(tensors)) flat[`${network}${separator}${name}`] = tensor;
  }
  return zstdCompressSync(packTensors({}, flat));
}

/** @throws ArtefactCorruptError when the bytes are no examples, or not as they were written. */
export function unpackExamples(bytes: Uint8Array): Examples {
  const { tensors } = unpackTensors(zstdDecompressSync(bytes), z.object({}));
  const examples: Record<string, Record<string, NamedTensors[string]>> = {};
  for (const [key, tensor] of Object.entries(tensors)) {
    const [network = '', name = ''] = key.split(separator);
    (examples[network] ??= {})[name] = tensor;
  }
  return examples;
}
