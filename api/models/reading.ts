import type { EntityManager } from '@mikro-orm/postgresql';
import { listComparisons } from '../../db/comparisons.ts';
import type { Database } from '../../db/database.ts';
import type { Model } from '../../db/entities.ts';
import { findModel, listActive, listChanges, listModels, listVersions, type ShownVersion } from '../../db/models.ts';
import { driftOf } from '../../domain/drift.ts';
import { ApiError } from '../../domain/errors.ts';
import { sessionTypes, type SessionType } from '../../domain/session.ts';
import type { DriftCounts } from '../../integrations/driftCounts.ts';
import type { SessionCache } from '../../integrations/sessionCache.ts';
import { activeModelsSchema, type ActiveModels, type ModelPage, type VersionView } from './schemas.ts';

const shownChanges = 50;

/** @throws ApiError `not_found`, naming the models that there are */
export function modelNamed(name: string): SessionType {
  const found = sessionTypes.find((known) => known === name);
  if (found !== undefined) return found;
  throw new ApiError('not_found', [{ path: 'name', message: `names no model; there are ${sessionTypes.join(', ')}` }]);
}

/** The active models (`models:active`, D2). */
export interface ActiveModelsReader {
  read(): Promise<ActiveModels>;
  /** Reads them anew, so that a change shows at once. */
  refresh(): Promise<void>;
}

/** Reads through the cache, so a change is seen by all gateways once it is refreshed, or after ten minutes. */
export function createActiveModelsReader(deps: { database: Database; cache: SessionCache }): ActiveModelsReader {
  const entry = deps.cache.cacheEntry('activeModels');

  async function readActive(): Promise<ActiveModels> {
    const em = deps.database.asService();
    const active = await listActive(em);
    const models = await listModels(em);
    const modelOf = ({ name }: ShownVersion) => models.find((model) => model.name === name);
    return { items: active.map((version) => ({ ...toModel(version), paused: pausedOf(modelOf(version)) })) };
  }

  return {
    read: async () => (await entry.load(activeModelsSchema, readActive)) ?? readActive(),
    async refresh() {
      await entry.put(JSON.stringify(await readActive()));
    },
  };
}

/** The page of a model: which version does what, how it fares, and who changed it. */
export async function readModelPage(
  em: EntityManager,
  driftCounts: DriftCounts,
  name: SessionType,
  days: number,
): Promise<ModelPage> {
  const model = await findModel(em, name);
  const versions = await listVersions(em, name);
  const changes = await listChanges(em, name, shownChanges);
  const active = versions.find(({ version }) => version === model?.activeVersion);
  return {
    name,
    active: active === undefined ? null : toVersionView(active),
    paused: pausedOf(model),
    canary: model?.canaryVersion ? { version: model.canaryVersion, share: model.canaryShare } : null,
    shadow: model === null ? null : await shadowOf(em, model),
    drift: active === undefined ? null : await readDrift(driftCounts, active, days),
    changes: changes.map(({ kind, fromVersion, toVersion, share, reason, changedAt, changedBy }) => ({
      kind,
      from: fromVersion ?? null,
      to: toVersion ?? null,
      share: share ?? null,
      reason: reason ?? null,
      at: changedAt.toISOString(),
      by: changedBy ?? null,
    })),
  };
}

function pausedOf(model: Model | null | undefined): ModelPage['paused'] {
  return model?.pausedAt ? { since: model.pausedAt.toISOString(), reason: model.pauseReason ?? null } : null;
}

async function shadowOf(em: EntityManager, { name, shadowVersion }: Model): Promise<ModelPage['shadow']> {
  if (!shadowVersion) return null;
  const comparisons = await listComparisons(em, name, shadowVersion);
  return {
    version: shadowVersion,
    comparisons: comparisons.map(({ version, resultType, sessions, agreed, confidenceDifference }) => ({
      against: version,
      resultType,
      sessions,
      agreement: agreed / sessions,
      confidenceDifference: confidenceDifference / sessions,
    })),
  };
}

/** The drift of a version over the last days; null while it cannot be read, or where its training left no profile. */
export async function readDrift(
  driftCounts: DriftCounts,
  { name, version, profile }: Pick<ShownVersion, 'name' | 'version' | 'profile'>,
  days: number,
): Promise<ModelPage['drift']> {
  const counts = await driftCounts.read({ name, version }, days);
  if (counts === null || !profile) return null;
  const features = Object.entries(profile).map(([feature, { shares }]) => ({
    feature,
    ...driftOf(shares, counts[feature] ?? []),
  }));
  return { days, features };
}

/** The versions of a model, newest first. */
export async function readVersions(em: EntityManager, name: SessionType): Promise<VersionView[]> {
  return (await listVersions(em, name)).map((version) => toVersionView(version));
}

function toModel({ name, version, figures, createdAt }: ShownVersion) {
  return { name, version, figures: [...figures], createdAt: createdAt.toISOString() };
}

function toVersionView(shown: ShownVersion): VersionView {
  const { seed = null, sessions = null, backend = null } = shown;
  return { ...toModel(shown), seed, sessions, backend };
}
