import { ApplicationFailure } from '@temporalio/common';
import { secondMs } from '../../domain/time.ts';
import { unpackState } from '../../ml/training/state.ts';
import { trainingStep, type StepContext, type TrainingDeps } from './deps.ts';
import { knownShard } from './shards.ts';
import type { Manifest } from './store.ts';

/** How much work may be lost when a process dies in the middle of an epoch. */
const checkpointEveryMs = 15 * secondMs;

/** Between which two shards a training is, with its checkpoint; null before the first one. */
interface Position {
  epoch: number;
  shardsDone: number;
  state: Uint8Array | null;
}

/** One epoch: every shard once, from the newest checkpoint on. */
export function createEpochActivities(deps: TrainingDeps) {
  return {
    trainEpoch: ({ trainingId, epoch }: { trainingId: string; epoch: number }): Promise<void> =>
      trainingStep(deps, trainingId, async (context) => {
        const manifest = await context.store.manifest(trainingId);
        if (manifest === null) throw new Error(`Training ${trainingId} has no manifest`);
        // Where a checkpoint was lost, what it held is trained again: the training ends the same.
        let position = await lastPosition(context);
        while (position.epoch <= epoch) position = await trainOn(context, manifest, position);
      }),
  };
}

async function lastPosition({ training, store }: StepContext): Promise<Position> {
  const state = await store.get(training.id, 'checkpoint');
  if (state === null) return { epoch: 0, shardsDone: 0, state };
  const { epoch, shardsDone } = unpackState(state);
  return { epoch, shardsDone, state };
}

/** Trains from a position to the end of its epoch, leaving a checkpoint now and then and at the end. */
async function trainOn(context: StepContext, { shards }: Manifest, from: Position): Promise<Position> {
  const { training, store, trainingPool, signal, metrics, report } = context;
  const { id, model, seed, epochs } = training;
  const startedAt = performance.now();
  let checkpointAt = startedAt;
  let examples = 0;
  let position = from;
  const rest = shards.slice(from.shardsDone);
  for await (const shard of inAdvance(rest, (entry) => knownShard(context, entry))) {
    const learned = await trainingPool.run(
      'learn',
      { model, seed, state: position.state, shard, shards: shards.length },
      signal,
    );
    if (!Object.values(learned.losses).every(Number.isFinite)) {
      throw ApplicationFailure.nonRetryable('The training diverged: its loss is no number any more', 'Diverged');
    }
    position = learned;
    examples += learned.examples;
    const now = performance.now();
    if (learned.epoch > from.epoch || now - checkpointAt > checkpointEveryMs) {
      await store.put(id, 'checkpoint', learned.state);
      checkpointAt = now;
    }
    const done = learned.epoch * shards.length + learned.shardsDone;
    const secondsPerShard = (now - startedAt) / secondMs / (done - from.epoch * shards.length - from.shardsDone);
    await report({
      stage: 'train',
      stageDone: done / (epochs * shards.length),
      epoch: learned.epoch,
      losses: learned.losses,
      samplesPerSecond: (examples / (now - startedAt)) * secondMs,
      secondsLeft: (epochs * shards.length - done) * secondsPerShard,
    });
    for (const [network, loss] of Object.entries(learned.losses)) metrics.trainingLoss.set({ model, network }, loss);
  }
  metrics.trainingEpochsTotal.inc({ model });
  return position;
}

/** What a list is read into, one entry ahead of whoever works on it. */
async function* inAdvance<T, R>(entries: readonly T[], read: (entry: T) => Promise<R>): AsyncIterable<R> {
  let ahead: Promise<R> | undefined;
  for (const [i, entry] of entries.entries()) {
    const current = await (ahead ?? read(entry));
    const next = entries[i + 1];
    ahead = next === undefined ? undefined : read(next);
    // Its failure is told when its turn comes.
    ahead?.catch(() => undefined);
    yield current;
  }
}
