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

/** Thrown when a version cannot do what it is asked to; the message says why, after the version's name. */
export class UnfitVersionError extends Error {
  override readonly name = 'UnfitVersionError';
}

/** Thrown when there is nothing to roll back to. */
export class NoEarlierVersionError extends Error {
  override readonly name = 'NoEarlierVersionError';
}

/** The version that sessions of a model are analyzed with; null before the first one is promoted. */
export async function activeVersion(em: EntityManager, name: SessionType): Promise<ModelVersion | null> {
  const model = await em.findOne(Model, { name });
  if (!model?.activeVersion) return null;
  return em.findOneOrFail(ModelVersion, { name, version: model.activeVersion }, withArtefact);
}

/** A version; null when the model has none of that name. */
export async function findVersion(
  em: EntityManager,
  { name, version }: { name: SessionType; version: string },
): Promise<ModelVersion | null> {
  return em.findOne(ModelVersion, { name, version }, withArtefact);
}

/** Whether a model has a version of that name. */
export async function isRegistered(em: EntityManager, name: SessionType, version: string): Promise<boolean> {
  return (await em.count(ModelVersion, { name, version })) > 0;
}

/** What anybody may be shown of a version. */
export type ShownVersion = Omit<ModelVersion, 'artefactKey' | 'sha256'>;
/** Reads what the others are not shown as well. */
const withArtefact = { populate: ['artefactKey', 'sha256'] } as const;

/** The versions of a model, newest first. */
export async function listVersions(em: EntityManager, name: SessionType): Promise<ShownVersion[]> {
  return em.find(ModelVersion, { name }, { orderBy: { createdAt: 'desc', version: 'desc' } });
}

/** Every model with its active version, by name. */
export async function listActive(em: EntityManager): Promise<ShownVersion[]> {
  const models = await em.find(Model, { activeVersion: { $ne: null } });
  const active = models.map(({ name, activeVersion: version }) => ({ name, version: version ?? '' }));
  return em.find(ModelVersion, { $or: active }, { orderBy: { name: 'asc' } });
}

/** Which versions of a model do what; null when it has none. */
export async function findModel(em: EntityManager, name: SessionType): Promise<Model | null> {
  return em.findOne(Model, { name });
}

/** The newest changes of a model, newest first. */
export async function listChanges(em: EntityManager, name: SessionType, limit: number): Promise<ModelChange[]> {
  return em.find(ModelChange, { name }, { orderBy: { id: 'desc' }, limit });
}

/** Which versions of every model do what, by name. */
export async function listModels(em: EntityManager): Promise<Model[]> {
  return em.find(Model, {}, { orderBy: { name: 'asc' } });
}

/** What workers hold of a model. `before` is what was active before the newest promotion. */
export interface WantedModel {
  name: SessionType;
  active: ModelVersion | null;
  canary: ModelVersion | null;
  canaryShare: number;
  shadow: ModelVersion | null;
  before: ModelVersion | null;
}

/** What workers are to hold of a model. */
export async function wantedOf(em: EntityManager, model: Model): Promise<WantedModel> {
  const { name, activeVersion, canaryVersion, canaryShare, shadowVersion } = model;
  const named = async (version: string | null | undefined) => (version ? findVersion(em, { name, version }) : null);
  return {
    name,
    active: await named(activeVersion),
    canary: await named(canaryVersion),
    canaryShare,
    shadow: await named(shadowVersion),
    before: await named((await newestPromotion(em, name))?.fromVersion),
  };
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
  by?: string | undefined;
  reason?: string | undefined;
}

/**
 * Makes a version the one that sessions are analyzed with. A canary or shadow of that version has done its work and
 * ends with it. Changes nothing when it is active already.
 *
 * @throws UnfitVersionError
 */
export async function promote(em: EntityManager, change: Change & { version: string }): Promise<void> {
  await changeModel(em, change, async (model, transaction) => {
    await requireVersion(transaction, model, change.version);
    return activation('promote', model, change.version);
  });
}

/**
 * Makes the version active again that was so before the newest promotion. Pressing it twice is pressing it once; what
 * lies further back is promoted by its name.
 *
 * @throws NoEarlierVersionError
 */
export async function rollback(em: EntityManager, change: Change): Promise<void> {
  await changeModel(em, change, async (model, transaction) => {
    const promotion = await newestPromotion(transaction, change.name);
    if (!promotion?.fromVersion) throw new NoEarlierVersionError(`${change.name} had no other active version before`);
    return activation('rollback', model, promotion.fromVersion);
  });
}

/**
 * Lets a version analyze a share of the sessions (above 0, up to 1) in place of the active one; null ends it.
 *
 * @throws UnfitVersionError
 */
export async function setCanary(
  em: EntityManager,
  change: Change & { canary: { version: string; share: number } | null },
): Promise<void> {
  await changeModel(em, change, async (model, transaction) => {
    const { version, share } = change.canary ?? { version: null, share: 0 };
    if (version !== null) await requireSpare(transaction, model, version);
    if (model.canaryVersion === version && model.canaryShare === share) return null;
    const set = { canaryVersion: version, canaryShare: share };
    return { kind: 'canary', from: model.canaryVersion ?? null, to: version, share, set };
  });
}

/**
 * Lets a version run beside, on the same sessions, only to be compared; null ends it.
 *
 * @throws UnfitVersionError
 */
export async function setShadow(em: EntityManager, change: Change & { version: string | null }): Promise<void> {
  await changeModel(em, change, async (model, transaction) => {
    const { version } = change;
    if (version !== null) await requireSpare(transaction, model, version);
    if (model.shadowVersion === version) return null;
    return { kind: 'shadow', from: model.shadowVersion ?? null, to: version, set: { shadowVersion: version } };
  });
}

/**
 * Has sessions wait for a model, or go on. A model that is paused is so with the first reason, and pausing it again
 * changes nothing; says whether something changed.
 *
 * @throws UnfitVersionError when nothing of that model is registered
 */
export async function setPaused(em: EntityManager, change: Change & { paused: boolean }): Promise<boolean> {
  return changeModel(em, change, (model) => {
    if (isPaused(model) === change.paused) return Promise.resolve(null);
    const set = change.paused
      ? { pausedAt: new Date(), pauseReason: change.reason ?? null }
      : { pausedAt: null, pauseReason: null };
    return Promise.resolve({ kind: change.paused ? 'pause' : 'resume', from: null, to: null, set });
  });
}

/** Whether sessions wait for a model. */
export function isPaused({ pausedAt }: Pick<Model, 'pausedAt'>): boolean {
  return (pausedAt ?? null) !== null;
}

/** What becomes of a model, and what is written down of it. */
interface Step {
  kind: ModelChangeKind;
  from: string | null;
  to: string | null;
  share?: number;
  set: Partial<
    Pick<Model, 'activeVersion' | 'canaryVersion' | 'canaryShare' | 'shadowVersion' | 'pausedAt' | 'pauseReason'>
  >;
}

/**
 * Changes a model under its lock, so that two operators do it one after the other, and leaves one row a change. Says
 * whether something changed.
 */
async function changeModel(
  em: EntityManager,
  { name, by, reason }: Change,
  decide: (model: Model, transaction: EntityManager) => Promise<Step | null>,
): Promise<boolean> {
  return em.transactional(async (transaction) => {
    const model = await transaction.findOne(Model, { name }, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
    if (model === null) throw new UnfitVersionError(`is not a registered version of ${name}`);
    const step = await decide(model, transaction);
    if (step === null) return false;
    const { kind, from, to, share = null, set } = step;
    const author = { changedBy: by ?? null, reason: reason ?? null };
    transaction.assign(model, { ...set, updatedAt: new Date(), updatedBy: author.changedBy });
    transaction.create(ModelChange, { name, kind, fromVersion: from, toVersion: to, share, ...author });
    return true;
  });
}

function activation(kind: 'promote' | 'rollback', model: Model, version: string): Step | null {
  if (model.activeVersion === version) return null;
  const set = {
    activeVersion: version,
    ...(model.canaryVersion === version ? { canaryVersion: null, canaryShare: 0 } : {}),
    ...(model.shadowVersion === version ? { shadowVersion: null } : {}),
  };
  return { kind, from: model.activeVersion ?? null, to: version, set };
}

function newestPromotion(em: EntityManager, name: SessionType): Promise<ModelChange | null> {
  return em.findOne(ModelChange, { name, kind: 'promote' }, { orderBy: { id: 'desc' } });
}

async function requireVersion(em: EntityManager, { name }: Model, version: string): Promise<void> {
  if (await isRegistered(em, name, version)) return;
  throw new UnfitVersionError(`is not a registered version of ${name}`);
}

async function requireSpare(em: EntityManager, model: Model, version: string): Promise<void> {
  await requireVersion(em, model, version);
  if (model.activeVersion === version) throw new UnfitVersionError('is the active version already');
}
