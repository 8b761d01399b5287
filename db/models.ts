import type { EntityManager } from '@mikro-orm/postgresql';
import { ModelVersion } from './entities.ts';

/** A version of a model as it is published: where its sealed artefact lies, and what it reached on held-out data. */
export type PublishedModel = Pick<ModelVersion, 'name' | 'version' | 'artefactKey' | 'sha256' | 'figures'>;

/** The versions that sessions are analyzed with, by name. */
export async function activeModels(em: EntityManager): Promise<ModelVersion[]> {
  return em.find(ModelVersion, { active: true }, { orderBy: { name: 'asc' } });
}

/** The checksum under which a version was published; null when it was not. */
export async function publishedChecksum(
  em: EntityManager,
  { name, version }: Pick<ModelVersion, 'name' | 'version'>,
): Promise<string | null> {
  const published = await em.findOne(ModelVersion, { name, version });
  return published?.sha256 ?? null;
}

/** Registers a version and makes it the active one of its name. */
export async function publishModel(em: EntityManager, model: PublishedModel): Promise<void> {
  await em.transactional(async (transaction) => {
    await transaction.nativeUpdate(ModelVersion, { name: model.name, active: true }, { active: false });
    transaction.create(ModelVersion, { ...model, active: true });
  });
}
