import type { ReadyVersion, ServedModel, ServedModels } from '../activities/routing.ts';
import type { Database } from '../db/database.ts';
import { findVersion, isPaused, listModels, wantedOf, type WantedModel } from '../db/models.ts';
import type { ModelVersion } from '../db/entities.ts';
import type { SessionType } from '../domain/session.ts';
import { minuteMs } from '../domain/time.ts';
import type { ObjectStore } from '../integrations/objectStore.ts';
import type { SessionCache } from '../integrations/sessionCache.ts';
import type { Engine, EngineArtefact, VersionName } from '../ml/engine.ts';
import { ModelMissingError } from '../ml/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { follow, type Following } from './following.ts';

/** Keeps the engine at what the registry says, and knows what is ready. */
export interface Serving extends ServedModels, Following {}

interface ServingDeps {
  engine: Engine;
  database: Database;
  objects: ObjectStore;
  cache: SessionCache;
  metrics: Pick<Metrics, 'modelVersionsLoaded' | 'modelLoadFailuresTotal'>;
  logger: Logger;
}

/** A refused artefact is tried again now and then, since it may have been put right in its place. */
const retryRefusedMs = minuteMs;

/** Loads what the registry names, and goes on following it. */
export async function startServing(deps: ServingDeps): Promise<Serving> {
  const { engine, cache, metrics, logger } = deps;
  const served = new Map<SessionType, ServedModel>();
  let paused: readonly SessionType[] = [];
  let [followed, followedAtMs, anyRefused] = ['', 0, false];

  async function read(): Promise<void> {
    const em = deps.database.asService();
    const models = await listModels(em);
    const state = JSON.stringify(models);
    paused = models.filter(isPaused).map(({ name }) => name);
    const isDue = anyRefused && performance.now() - followedAtMs > retryRefusedMs;
    if (state === followed && !isDue) return;
    const wanted: WantedModel[] = [];
    for (const model of models) wanted.push(await wantedOf(em, model));
    anyRefused = await serve(wanted.flatMap(versionsOf));
    const orphans = wanted.filter(({ name, active }) => !isReady(active) && !served.has(name));
    // A worker that starts while the active version is broken has no older one to keep, so it takes up the one before.
    if (orphans.length > 0) {
      await serve([...wanted.flatMap(versionsOf).filter(isReady), ...orphans.map(({ before }) => before)]);
    }
    for (const model of wanted) settle(model);
    showLoaded();
    if (followed !== '') await cache.cacheEntry('activeModels').forget();
    [followed, followedAtMs] = [state, performance.now()];
  }

  /** Says whether any was refused. */
  async function serve(versions: readonly (ModelVersion | null)[]): Promise<boolean> {
    const { refused } = await engine.serve(versions.flatMap((version) => (version ? [artefactOf(deps, version)] : [])));
    for (const { name, version, reason } of refused) {
      metrics.modelLoadFailuresTotal.inc({ model: name, version });
      logger.error(
        { model: name, version, refusal: reason },
        'a version of a model is refused; what worked goes on working',
      );
    }
    return refused.length > 0;
  }

  function isReady(version: ModelVersion | null): version is ModelVersion {
    return engine.models.some((ready) => ready.name === version?.name && ready.version === version.version);
  }

  /** Takes up what is ready; an active version that is not leaves the one before in its place. */
  function settle({ name, active, canary, canaryShare, shadow, before }: WantedModel): void {
    const fallback = served.get(name)?.active ?? (isReady(before) ? ready(before) : undefined);
    const activeNow = isReady(active) ? ready(active) : fallback;
    if (activeNow === undefined) return;
    served.set(name, {
      active: activeNow,
      canary: isReady(canary) ? { ...ready(canary), share: canaryShare } : null,
      shadow: isReady(shadow) ? ready(shadow) : null,
    });
  }

  function showLoaded(): void {
    metrics.modelVersionsLoaded.reset();
    for (const { name, version } of engine.models) metrics.modelVersionsLoaded.set({ model: name, version }, 1);
  }

  return {
    ...(await follow(read, 'the registry', logger)),
    isPaused: (name) => paused.includes(name),
    modelFor(name) {
      const model = served.get(name);
      if (model === undefined) throw new ModelMissingError(`No version of ${name} is ready`);
      return model;
    },
  };
}

function versionsOf({ active, canary, shadow }: WantedModel): (ModelVersion | null)[] {
  return [active, canary, shadow];
}

function ready({ version, profile }: ModelVersion): ReadyVersion {
  return { version, profile: profile ?? null };
}

/** A version that a session names itself, where it is not served anyway; the engine asks for it. */
export async function findArtefact(
  deps: Pick<ServingDeps, 'database' | 'objects'>,
  wanted: VersionName,
): Promise<EngineArtefact | null> {
  const found = await findVersion(deps.database.asService(), wanted);
  return found && artefactOf(deps, found);
}

function artefactOf({ objects }: Pick<ServingDeps, 'objects'>, version: ModelVersion): EngineArtefact {
  const { name, version: number, sha256, artefactKey } = version;
  return { name, version: number, sha256, fetch: () => objects.getSealed(artefactKey) };
}
