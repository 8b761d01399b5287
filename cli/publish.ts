import { readdir, rm, writeFile } from 'node:fs/promises';
import type { Database } from '../db/database.ts';
import type { Training } from '../db/entities.ts';
import { findVersion } from '../db/models.ts';
import type { SessionType } from '../domain/session.ts';
import { folderOf, packArtefact, unpackArtefact } from '../ml/artefact.ts';
import { updateCard } from '../ml/card.ts';
import { recipes } from '../ml/training/recipes.ts';
import type { Resources } from '../resources.ts';

/** Why nothing can be published as the version that the model's recipe names, in a sentence; null where it can. */
export async function whyNotPublished(database: Database, model: SessionType): Promise<string | null> {
  const { version } = recipes[model];
  if ((await findVersion(database.asService(), { name: model, version })) === null) return null;
  return `${model} ${version} is registered here already, and a version never changes: raise the version in its recipe first.`;
}

/**
 * Writes the version that a training made into the model's folder, as the version that its recipe names, and its
 * figures into the card: so it is published with the project.
 */
export async function publishHere(
  { database, objects }: Pick<Resources, 'database' | 'objects'>,
  { model, version }: Pick<Training, 'model' | 'version'>,
): Promise<string> {
  const made = await findVersion(database.asService(), { name: model, version: version ?? '' });
  if (made === null) throw new Error(`${model} ${version ?? ''} is not registered`);
  const { artefactKey, sha256, backend } = made;
  const artefact = unpackArtefact(await objects.getSealed(artefactKey), sha256);
  const published = { ...artefact, version: recipes[model].version };
  const folder = new URL('artefact/', folderOf(model));
  for (const older of await readdir(folder)) await rm(new URL(older, folder));
  const bytes = packArtefact(published);
  await writeFile(new URL(`${published.version}.bin`, folder), bytes);
  await updateCard(published, backend ?? 'unknown');
  return `Written as ${model} ${published.version}: ${Math.round(bytes.length / 1024)} KB, and its card.`;
}
