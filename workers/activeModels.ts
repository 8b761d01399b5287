import type { Database } from '../db/database.ts';
import { activeModels } from '../db/models.ts';
import type { ObjectStore } from '../integrations/objectStore.ts';
import type { EngineArtefact } from '../ml/inference.ts';

/** The artefacts of the active models, fetched and unsealed. Their checksums are the engine's to verify. */
export async function loadActiveModels(database: Database, objects: ObjectStore): Promise<EngineArtefact[]> {
  const models = await activeModels(database.asService());
  return Promise.all(
    models.map(async ({ name, version, sha256, artefactKey }) => ({
      name,
      version,
      sha256,
      bytes: await objects.getSealed(artefactKey),
    })),
  );
}
