import { ApplicationFailure } from '@temporalio/common';
import { planShards, type Shard } from '../../ml/training/shards.ts';
import { sha256Of } from '../../ml/tensorFile.ts';
import type { StepContext } from './deps.ts';
import type { ManifestEntry } from './store.ts';

/** The bytes of a simulated shard: as they lie in object storage, or made again where they are missing or corrupt. */
async function simulatedShard(context: StepContext, shard: Shard): Promise<Uint8Array> {
  const { training, store, trainingPool, signal } = context;
  const stored = await store.get(training.id, `shards/${shard.index}`);
  if (stored !== null) return stored;
  const { model, seed } = training;
  const made = await trainingPool.run('simulate', { model, seed, shard }, signal);
  await store.put(training.id, `shards/${shard.index}`, made);
  return made;
}

/**
 * The bytes of a shard that the manifest names.
 *
 * @throws ApplicationFailure, final, when it cannot be made as it was: a real session has been erased, or the code that
 * simulates has changed since.
 */
export async function knownShard(context: StepContext, entry: ManifestEntry): Promise<Uint8Array> {
  const { training, store, logger } = context;
  const name = `shards/${entry.index}` as const;
  const stored = await store.get(training.id, name);
  if (stored !== null && sha256Of(stored) === entry.sha256) return stored;
  logger.warn({ training_id: training.id, shard: entry.index }, 'a shard is missing or corrupt');
  if (entry.kind === 'simulated') {
    await store.remove(training.id, name);
    const again = await simulatedShard(context, entry);
    if (sha256Of(again) === entry.sha256) return again;
  }
  throw ApplicationFailure.nonRetryable('A part of the training data is lost and cannot be made again', 'ShardLost');
}

/** The simulated shards of a training: made, stored, and named for the manifest. */
export async function makeSimulatedShards(context: StepContext): Promise<ManifestEntry[]> {
  const { training, trainingPool, report } = context;
  const plan = planShards(training.sessions);
  const entries: ManifestEntry[] = [];
  const startedAt = performance.now();
  const stop = new AbortController();
  const lane = { ...context, signal: AbortSignal.any([context.signal, stop.signal]) };
  // As many lanes as there are threads take the next shard from one queue.
  const queue = plan.values();
  const work = async (): Promise<void> => {
    for (const shard of queue) {
      lane.signal.throwIfAborted();
      const bytes = await simulatedShard(lane, shard);
      entries.push({ ...shard, kind: 'simulated', bytes: bytes.length, sha256: sha256Of(bytes) });
      await report(progressOf(entries, training.sessions, startedAt));
    }
  };
  const lanes = Array.from({ length: trainingPool.threads }, work);
  try {
    await Promise.all(lanes);
  } finally {
    // The first lane that fails stops the others, and nothing is stored behind the end of this attempt.
    stop.abort();
    await Promise.allSettled(lanes);
  }
  return entries.toSorted((a, b) => a.index - b.index);
}

function progressOf(entries: readonly ManifestEntry[], sessions: number, startedAt: number) {
  const done = entries.reduce((sum, entry) => sum + entry.sessions, 0);
  const samplesPerSecond = done / ((performance.now() - startedAt) / 1_000);
  return { stageDone: done / sessions, samplesPerSecond, secondsLeft: (sessions - done) / samplesPerSecond };
}
