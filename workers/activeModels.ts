import type { Database } from '../db/database.ts';
import { activeModels } from '../db/models.ts';
import type { ObjectStore } from '../integrations/objectStore.ts';
import type { EngineArtefact } from '../ml/engine.ts';

/** The active models, as the engine serves them. Their checksums are the engine's to verify. */
export async function loadActiveModels(database: Database, objects: ObjectStore): Promise<EngineArtefact[]> {
  const models = await activeModels(database.asService());
  return models.map(({ name, version, sha256, artefactKey }) => ({
    name,
    version,
    sha256,
    fetch: () => objects.getSealed(artefactKey),
  }));
}
