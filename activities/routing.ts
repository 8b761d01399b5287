import { createHash } from 'node:crypto';
import type { ModelProfile } from '../db/entities.ts';
import { pinnedVersions, type SessionMetadata } from '../domain/content.ts';
import type { SessionType } from '../domain/session.ts';

/** A version that is ready, with what its drift is measured against. */
export interface ReadyVersion {
  readonly version: string;
  readonly profile: ModelProfile | null;
}

/** Which versions of a model are ready to do what. */
export interface ServedModel {
  readonly active: ReadyVersion;
  readonly canary: (ReadyVersion & { readonly share: number }) | null;
  readonly shadow: ReadyVersion | null;
}

/** What is ready right now. */
export interface ServedModels {
  /** Whether an operator has sessions wait for that model. */
  isPaused(name: SessionType): boolean;
  /** @throws ModelMissingError when no version of that model could be loaded yet. */
  modelFor(name: SessionType): ServedModel;
}

/**
 * Which versions analyze a session: those it names itself, else the canary for the share that is the canary's, else the
 * active one. It follows from the session alone, so a retry gets the same.
 */
export function versionsFor(
  { active, canary }: ServedModel,
  { sessionId, metadata }: { sessionId: string; metadata: SessionMetadata | undefined },
): readonly string[] {
  const pinned = pinnedVersions(metadata);
  if (pinned.length > 0) return pinned;
  return [canary !== null && placeOf(sessionId) < canary.share ? canary.version : active.version];
}

const hashBytes = 6;

/** A session's place between 0 and 1, evenly spread and always the same: the first bytes of a hash of its id. */
function placeOf(sessionId: string): number {
  return createHash('sha256').update(sessionId).digest().readUIntBE(0, hashBytes) / 2 ** (8 * hashBytes);
}
