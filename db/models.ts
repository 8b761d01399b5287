import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SessionType } from '../domain/session.ts';
import { Model, ModelChange, ModelVersion, type ModelChangeKind, type ModelProfile } from './entities.ts';

/** A version as it is registered: where its sealed artefact lies, how it was made, what it reached on held-out data. */
export interface NewModelVersion {
  name: SessionType;
  version: string;
  artefactKey: string;
  sha256: string;
  figures: readonly { name: string; value: number; chance: number; chanceIs: string }[];
  seed: number;
  sessions: number;
  /** What it was trained on; null where nobody wrote it down. */
  backend: string | null;
  profile: ModelProfile;
  card: string;
  /** Who asked for it; left out where the platform did. */
  createdBy?: string;
}

/** Thrown when a version is registered again with another artefact: a version never changes. */
export class VersionTakenError extends Error {
  override readonly name = 'VersionTakenError';
}

/** Thrown when a model has no version of that name. */
export class UnknownVersionError extends Error {
  override readonly name = 'UnknownVersionError';
}

/** The version that sessions of a model are analyzed with; null before the first one is promoted. */
export async function activeVersion(em: EntityManager, name: SessionType): Promise<ModelVersion | null> {
  const model = await em.findOne(Model, { name });
  if (!model?.activeVersion) return null;
  return em.findOneOrFail(ModelVersion, { name, version: model.activeVersion });
}

/** A version; null when the model has none of that name. */
export async function findVersion(
  em: EntityManager,
  { name, version }: { name: SessionType; version: string },
): Promise<ModelVersion | null> {
  return em.findOne(ModelVersion, { name, version });
}

/** The versions that sessions are analyzed with, by name. */
export async function activeModels(em: EntityManager): Promise<ModelVersion[]> {
  const models = await em.find(Model, { activeVersion: { $ne: null } }, { orderBy: { name: 'asc' } });
  return em.find(
    ModelVersion,
    { $or: models.map(({ name, activeVersion: version }) => ({ name, version: version ?? '' })) },
    { orderBy: { name: 'asc' } },
  );
}

/**
 * Registers a version; it analyzes nothing until it is promoted. Registering the same artefact again is safe, and adds
 * what was not known of it. Says whether the version is new.
 *
 * @throws VersionTakenError when another artefact has that version.
 */
export async function registerVersion(em: EntityManager, given: NewModelVersion): Promise<boolean> {
  const { name, version, artefactKey, sha256, seed, sessions, backend, card, createdBy } = given;
  const figures = given.figures.map(({ chanceIs, ...figure }) => ({ ...figure, meaning: chanceIs }));
  const [row] = await em.execute<{ isNew: boolean }[]>(
    `with model as (insert into models (name) values (:name) on conflict do nothing)
     insert into model_versions as known
       (name, version, artefact_key, sha256, figures, seed, sessions, backend, profile, card, created_by)
     values
       (:name, :version, :artefactKey, :sha256, :figures::jsonb, :seed, :sessions, :backend, :profile::jsonb, :card,
        :createdBy)
     on conflict (name, version) do update
       set seed = excluded.seed, sessions = excluded.sessions, profile = excluded.profile, card = excluded.card,
           backend = coalesce(excluded.backend, known.backend)
       where known.sha256 = excluded.sha256
     returning xmax = 0 as "isNew"`,
    {
      name,
      version,
      artefactKey,
      sha256,
      figures: JSON.stringify(figures),
      seed,
      sessions,
      backend,
      profile: JSON.stringify(given.profile),
      card,
      createdBy: createdBy ?? null,
    },
  );
  if (row === undefined) throw new VersionTakenError(`${name} ${version} is registered with another artefact`);
  return row.isNew;
}

/** Who changes something of a model, and why; without `by` the platform does. */
interface Change {
  name: SessionType;
  by?: string;
  reason?: string;
}

/**
 * Makes a version the one that sessions are analyzed with. A canary or shadow of that version has done its work and
 * ends with it. Changes nothing when it is active already.
 *
 * @throws UnknownVersionError
 */
export async function promote(em: EntityManager, change: Change & { version: string }): Promise<void> {
  await changeModel(em, change, async (model, record) => {
    const { version } = change;
    await requireVersion(em, change.name, version);
    if (model.activeVersion === version) return;
    record('promote', model.activeVersion, version);
    model.activeVersion = version;
    if (model.canaryVersion === version) Object.assign(model, { canaryVersion: null, canaryShare: 0 });
    if (model.shadowVersion === version) model.shadowVersion = null;
  });
}

type RecordChange = (kind: ModelChangeKind, from: string | null | undefined, to: string | null, share?: number) => void;

/** Changes a model under its lock, so that two operators do it one after the other, and leaves one row a change. */
async function changeModel(
  em: EntityManager,
  { name, by, reason }: Change,
  work: (model: Model, record: RecordChange) => Promise<void>,
): Promise<void> {
  await em.transactional(async (transaction) => {
    await transaction.execute(`insert into models (name) values (:name) on conflict do nothing`, { name });
    const model = await transaction.findOneOrFail(Model, { name }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    await work(model, (kind, from, to, share) => {
      transaction.create(ModelChange, {
        name,
        kind,
        fromVersion: from ?? null,
        toVersion: to,
        share: share ?? null,
        reason: reason ?? null,
        changedBy: by ?? null,
      });
      Object.assign(model, { updatedAt: new Date(), updatedBy: by ?? null });
    });
  });
}

async function requireVersion(em: EntityManager, name: SessionType, version: string): Promise<void> {
  if ((await em.count(ModelVersion, { name, version })) === 0) {
    throw new UnknownVersionError(`${name} has no version ${version}`);
  }
}
