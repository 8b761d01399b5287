import { z } from 'zod';
import { sessionTypes } from '../../domain/session.ts';
import { ObjectCorruptError, ObjectMissingError, type ObjectStore } from '../../integrations/objectStore.ts';

/** What a training keeps in object storage while it runs. */
type TrainingObject = 'manifest' | 'checkpoint' | 'calibrated' | 'artefact' | `shards/${number}`;

const manifestSchema = z.object({
  model: z.enum(sessionTypes),
  version: z.string(),
  seed: z.int(),
  /** In the order in which an epoch reads them. */
  shards: z.array(
    z.object({
      index: z.int(),
      kind: z.enum(['simulated', 'real']),
      sessions: z.int(),
      bytes: z.int(),
      sha256: z.string(),
    }),
  ),
});

/** What a version learned from: every shard with its checksum. It stays when the shards go. */
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestEntry = Manifest['shards'][number];

/** The objects of trainings, each sealed and bound to its name, so that one can never stand in for another. */
export function createTrainingStore(objects: ObjectStore) {
  const keyOf = (trainingId: string, name: TrainingObject) => `trainings/${trainingId}/${name}`;

  /** Null when there is none, or none that is whole. */
  async function get(trainingId: string, name: TrainingObject): Promise<Uint8Array | null> {
    try {
      return await objects.getSealed(keyOf(trainingId, name));
    } catch (error) {
      if (error instanceof ObjectMissingError || error instanceof ObjectCorruptError) return null;
      throw error;
    }
  }

  const put = (trainingId: string, name: TrainingObject, bytes: Uint8Array) =>
    objects.putSealed(keyOf(trainingId, name), bytes);

  return {
    get,
    put,
    remove: (trainingId: string, name: TrainingObject) => objects.delete(keyOf(trainingId, name)),

    /** @throws Error when it is gone: a step before this one has made it. */
    async require(trainingId: string, name: TrainingObject): Promise<Uint8Array> {
      const bytes = await get(trainingId, name);
      if (bytes === null) throw new Error(`The ${name} of training ${trainingId} is missing or corrupt`);
      return bytes;
    },

    /** Null before all shards were made. */
    async manifest(trainingId: string): Promise<Manifest | null> {
      const bytes = await get(trainingId, 'manifest');
      return bytes === null ? null : manifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    },

    putManifest: (trainingId: string, manifest: Manifest) =>
      put(trainingId, 'manifest', Buffer.from(JSON.stringify(manifest))),

    /** Removes everything that was only needed on the way. */
    async clear(trainingId: string): Promise<void> {
      await objects.deletePrefix(`trainings/${trainingId}/`);
    },
  };
}

export type TrainingStore = ReturnType<typeof createTrainingStore>;
