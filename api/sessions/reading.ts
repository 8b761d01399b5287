import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { findResults, findSession, type SessionRow } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SessionContent } from '../../domain/impressions.ts';
import { isTerminal, type SessionStatus } from '../../domain/session.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import type { SessionCache } from '../../integrations/sessionCache.ts';
import { cachedContent, cachedContentSchema, type SessionContentStore } from '../../integrations/sessionContent.ts';
import type { Caller } from '../auth/caller.ts';
import { resultsSchema, sessionSchema, type ResultsView, type SessionView } from './schemas.ts';

/**
 * How a caller's sessions are read. While a session is open, PostgreSQL says on every read how it stands, and the cache
 * only spares object storage: an entry counts for the one version of the content that it was made from. A session that
 * has ended changes no more, so then the cache holds it whole and answers alone.
 */
export interface SessionReader {
  /** @throws ApiError `not_found`, whether it never was, is gone, or is somebody else's */
  find(owner: Owner, id: string): Promise<SessionRow>;
  /** The session as its owner reads it, with its impressions. */
  read(owner: Owner, id: string): Promise<Versioned<SessionView>>;
  /** The content of the session's present version. */
  contentOf(row: SessionRow): Promise<SessionContent>;
  /** Puts the content of the session's present version into the cache. */
  remember(row: Pick<SessionRow, 'id' | 'userId' | 'contentKey'>, content: SessionContent): Promise<void>;
  /** @throws ApiError `results_not_ready`, `not_found` */
  results(owner: Owner, id: string): Promise<Versioned<ResultsView>>;
}

/** Whose sessions are read: the caller, or whoever shared theirs. */
export type Owner = Pick<Caller, 'userId'>;

/** Something of a session, and the number of the session's newest event when it was read. */
export interface Versioned<T> {
  view: T;
  seq: number;
}

interface ReaderDeps {
  database: Database;
  contents: SessionContentStore;
  cache: SessionCache;
}

export function createSessionReader({ database, contents, cache }: ReaderDeps): SessionReader {
  async function find(owner: Owner, id: string): Promise<SessionRow> {
    const row = await findSession(database.asUser(owner.userId), id);
    if (row === null) throw new ApiError('not_found');
    return row;
  }

  async function contentOf(row: SessionRow): Promise<SessionContent> {
    const cached = parseCached(cachedContentSchema, await cache.getSession(row.id));
    if (cached?.contentKey === row.contentKey) return cached.content;
    const content = await contents.get(row.contentKey);
    await remember(row, content);
    return content;
  }

  function remember(row: Pick<SessionRow, 'id' | 'userId' | 'contentKey'>, content: SessionContent): Promise<void> {
    const { id, userId, contentKey } = row;
    return putIfThere({ id, userId }, () => cache.putSession(id, cachedContent({ contentKey, content })));
  }

  /**
   * A session that is erased while it is read must not come back into the cache behind its erasure, nor results, which
   * name the newest event that they were read with, behind an analysis that is made anew.
   */
  async function putIfThere(
    { id, userId, lastSeq }: Pick<SessionRow, 'id' | 'userId'> & { lastSeq?: number },
    put: () => Promise<void>,
  ): Promise<void> {
    await put();
    const row = await findSession(database.asUser(userId), id);
    if (row === null || (lastSeq !== undefined && row.lastSeq !== lastSeq)) await cache.forget(id);
  }

  async function view(row: SessionRow): Promise<Versioned<SessionView>> {
    const impressions = row.hasImpressions ? (await contentOf(row)).impressions : undefined;
    const versioned = { view: toView(row, impressions), seq: row.lastSeq };
    if (isTerminal(row.status)) {
      await putIfThere(row, () => cache.putSession(row.id, JSON.stringify({ ended: versioned })));
    }
    return versioned;
  }

  /** A session that has ended, from the cache alone; undefined when it is not there, or somebody else's. */
  async function endedFromCache(owner: Owner, id: string): Promise<Versioned<SessionView> | undefined> {
    const ended = parseCached(endedSchema, await cache.getSession(id))?.ended;
    return ended?.view.userId === owner.userId ? ended : undefined;
  }

  return {
    find,
    contentOf,
    remember,

    async read(owner, id) {
      const ended = await endedFromCache(owner, id);
      if (ended !== undefined) return ended;
      try {
        return await view(await find(owner, id));
      } catch (error) {
        // The content was replaced or erased between the two reads; the row tells which.
        if (error instanceof ObjectMissingError) return view(await find(owner, id));
        throw error;
      }
    },

    async results(owner, id) {
      const row = await find(owner, id);
      if (!isAnalyzed(row.status)) throw new ApiError('results_not_ready');
      const cached = parseCached(resultsSchema, await cache.getResults(id));
      if (cached !== undefined) return { view: cached, seq: row.lastSeq };
      const found = await findResults(database.asUser(owner.userId), id);
      const results = {
        results: found.map(({ id, resultType, confidenceScore, data, createdAt }) => ({
          id,
          resultType,
          confidenceScore,
          data,
          createdAt: (createdAt ?? new Date(0)).toISOString(),
        })),
      };
      // What an erasure leaves empty for a moment must not be kept; results change only with a restart, which forgets them.
      if (found.length > 0 || isTerminal(row.status)) {
        await putIfThere(row, () => cache.putResults(id, JSON.stringify(results)));
      }
      return { view: results, seq: row.lastSeq };
    },
  };
}

/** What the cache holds of a session that has ended. */
const endedSchema = z.object({ ended: z.object({ view: sessionSchema, seq: z.int() }) });

/** Whether a session is past its analysis, so that what came of it can be read. */
export function isAnalyzed(status: SessionStatus): boolean {
  return status !== 'created' && status !== 'analyzing';
}

/** What the cache holds is taken only in today's form: a release before this one may have written it. */
function parseCached<T extends z.ZodType>(schema: T, json: string | undefined): z.output<T> | undefined {
  if (json === undefined) return undefined;
  const parsed = schema.safeParse(JSON.parse(json));
  return parsed.success ? parsed.data : undefined;
}

/** A session as its owner reads it. */
export function toView(row: SessionRow, impressions?: SessionContent['impressions']): SessionView {
  const { id, userId, sessionType, cue, status, step, metadata, createdAt, completedAt, stuck } = row;
  return {
    id,
    userId,
    sessionType,
    cue,
    status,
    step,
    metadata,
    ...(impressions === undefined ? {} : { impressions }),
    createdAt,
    completedAt,
    ...(stuck === null ? {} : { stuck }),
  };
}
