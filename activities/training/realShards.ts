import { consentedOutcomes, type ConsentedOutcome } from '../../db/outcomes.ts';
import type { SessionType } from '../../domain/session.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import { withImagesDrawn } from '../../ml/images/drawing.ts';
import { sha256Of } from '../../ml/tensorFile.ts';
import type { KnownSession } from '../../ml/training/recipe.ts';
import type { StepContext } from './deps.ts';
import type { ManifestEntry } from './store.ts';

const sessionsPerShard = 1_000;

/**
 * The shards of real sessions: of the model's type, whose outcome is known and whose owners consented. What is stored
 * are examples, numbers that a network learns from; they are removed with the other shards when the training ends.
 */
export async function makeRealShards(context: StepContext, firstIndex: number): Promise<ManifestEntry[]> {
  const { training, store, database, trainingPool, signal } = context;
  const { id, model } = training;
  const entries: ManifestEntry[] = [];
  let after: string | null = null;
  for (;;) {
    signal.throwIfAborted();
    const known: ConsentedOutcome<SessionType>[] = await consentedOutcomes(
      database.asService(),
      model,
      after,
      sessionsPerShard,
    );
    const last = known.at(-1);
    if (last === undefined) return entries;
    after = last.sessionId;
    const sessions = await readContents(context, known);
    const learned = await trainingPool.run('learnFrom', { model, sessions }, signal);
    if (learned === null) continue;
    const index = firstIndex + entries.length;
    await store.put(id, `shards/${index}`, learned.shard);
    const facts = { bytes: learned.shard.length, sha256: sha256Of(learned.shard) };
    entries.push({ index, kind: 'real', sessions: learned.sessions, ...facts });
  }
}

async function readContents(
  { contents }: StepContext,
  known: readonly ConsentedOutcome<SessionType>[],
): Promise<KnownSession<SessionType>[]> {
  const sessions: KnownSession<SessionType>[] = [];
  for (const { outcome, ...row } of known) {
    const content = await contents.get(row).catch((error: unknown) => {
      // It was deleted since the list was read.
      if (error instanceof ObjectMissingError) return null;
      throw error;
    });
    const drawn = content === null ? null : await withImagesDrawn(content);
    if (drawn?.impressions === undefined) continue;
    sessions.push({ impressions: drawn.impressions, metadata: drawn.metadata, outcome });
  }
  return sessions;
}
