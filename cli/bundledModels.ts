import { findVersion, promote, registerVersion } from '../db/models.ts';
import { listBundledArtefacts } from '../ml/artefact.ts';
import type { Resources } from '../resources.ts';

/** Publishes the models that come with the project, each version once; a version that is new becomes the active one. */
export async function publishBundledModels({
  database,
  objects,
}: Pick<Resources, 'database' | 'objects'>): Promise<string[]> {
  const em = database.asService();
  const lines: string[] = [];
  for (const { bytes, ...artefact } of await listBundledArtefacts()) {
    const { name, version } = artefact;
    const known = await findVersion(em, { name, version });
    const artefactKey = known?.artefactKey ?? `models/${name}/${version}`;
    if (known === null) await objects.putSealed(artefactKey, bytes);
    const isNew = await registerVersion(em, { ...artefact, artefactKey, backend: null });
    if (isNew) await promote(em, { name, version, reason: 'It came with the project.' });
    lines.push(`models: ${name} ${version} is ${isNew ? 'published and active' : 'published'}`);
  }
  return lines;
}
