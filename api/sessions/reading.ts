import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { findResults, findSession, type SessionRow } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';
import { holdsPictures, sessionContentSchema, type SessionContent } from '../../domain/content.ts';
import { isTerminal, type SessionStatus } from '../../domain/session.ts';
import { cachedJson, formOf, openCachedJson } from '../../integrations/cachedJson.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import type { SessionCache } from '../../integrations/sessionCache.ts';
import {
  cachedImpressions,
  openCachedImpressions,
  type SessionContentStore,
} from '../../integrations/sessionContent.ts';
import type { Caller } from '../auth/caller.ts';
import { Json } from '../json.ts';
import { resultsSchema, sessionSchema, type ResultsView, type SessionView } from './schemas.ts';

/**
 * How a caller's sessions are read. While a session is open, PostgreSQL says on every read how it stands, and the cache
 * only spares object storage: an entry counts for the one version of the impressions that it was made from. A session
 * that has ended changes no more, so then the cache holds it and its results whole and answers alone.
 */
export interface SessionReader {
  /** @throws ApiError `not_found`, whether it never was, is gone, or is somebody else's */
  find(owner: Owner, id: string): Promise<SessionRow>;
  /** The session as its owner reads it, with its impressions. @throws ApiError `not_found` */
  read(owner: Owner, id: string): Promise<Versioned<Json<SessionView>>>;
  /** The JSON of the impressions of the session's present version. @throws ObjectMissingError */
  impressionsOf(row: SessionRow): Promise<Buffer | undefined>;
  /** The content of the session's present version. @throws ObjectMissingError */
  contentOf(row: SessionRow): Promise<SessionContent>;
  /** Puts the impressions of the session's present version into the cache. */
  remember(row: SessionRow, content: SessionContent): Promise<void>;
  /** @throws ApiError `results_not_ready`, `not_found` */
  results(owner: Owner, id: string): Promise<Versioned<Json<ResultsView>>>;
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

/** Reads through the cache: sealed content that was found there is handed on as it lies. */
export function createSessionReader({ database, contents, cache }: ReaderDeps): SessionReader {
  async function find(owner: Owner, id: string): Promise<SessionRow> {
    const row = await findSession(database.asUser(owner.userId), id);
    if (row === null) throw new ApiError('not_found');
    return row;
  }

  /** A session that is erased while it is read must not come back into the cache behind its erasure. */
  async function putIfThere({ id, userId }: SessionRow, put: () => Promise<void>): Promise<void> {
    await put();
    let isThere = false;
    try {
      isThere = (await findSession(database.asUser(userId), id)) !== null;
    } finally {
      if (!isThere) await cache.forget(id);
    }
  }

  async function remember(row: SessionRow, content: SessionContent): Promise<void> {
    const entry = cachedImpressions(row.contentKey, content);
    if (entry !== undefined) await putIfThere(row, () => cache.putSession(row.id, entry));
  }

  /** @param entry what the cache holds of the session */
  async function impressionsIn(row: SessionRow, entry: Buffer | undefined): Promise<Buffer | undefined> {
    if (!row.hasImpressions) return undefined;
    const cached = openCachedImpressions(row.contentKey, entry);
    if (cached !== undefined) return cached;
    const content = await contents.get(row);
    await remember(row, content);
    return Buffer.from(JSON.stringify(content.impressions));
  }

  const impressionsOf = async (row: SessionRow) => impressionsIn(row, await cache.getSession(row.id));

  async function show(row: SessionRow, entry: Buffer | undefined): Promise<Versioned<Json<SessionView>>> {
    const view = sessionJson(row, await impressionsIn(row, entry));
    if (isTerminal(row.status)) {
      await putIfThere(row, () => cache.putSession(row.id, endedEntry(sessionHead, row, view)));
    }
    return { view, seq: row.lastSeq };
  }

  return {
    find,
    remember,
    impressionsOf,

    async contentOf(row) {
      if (holdsPictures(row.metadata)) return contents.get(row);
      const { sessionType, cue, metadata } = row;
      const impressions = await impressionsOf(row);
      return sessionContentSchema.parse({
        sessionType,
        cue,
        ...(metadata === null ? {} : { metadata }),
        ...(impressions === undefined ? {} : { impressions: JSON.parse(impressions.toString('utf8')) as unknown }),
      });
    },

    async read(owner, id) {
      const entry = await cache.getSession(id);
      const ended = openEnded<SessionView>(sessionHead, owner, entry);
      if (ended !== undefined) return ended;
      try {
        return await show(await find(owner, id), entry);
      } catch (error) {
        // The content was replaced or erased between the two reads; the row tells which.
        if (error instanceof ObjectMissingError) return show(await find(owner, id), undefined);
        throw error;
      }
    },

    async results(owner, id) {
      const ended = openEnded<ResultsView>(resultsHead, owner, await cache.getResults(id));
      if (ended !== undefined) return ended;
      const row = await find(owner, id);
      if (!isAnalyzed(row.status)) throw new ApiError('results_not_ready');
      const found = await findResults(database.asUser(owner.userId), id);
      const results: ResultsView = {
        results: found.map(({ id, resultType, confidenceScore, data, createdAt }) => ({
          id,
          resultType,
          confidenceScore,
          data,
          createdAt: (createdAt ?? new Date(0)).toISOString(),
        })),
      };
      const view = new Json<ResultsView>(Buffer.from(JSON.stringify(results)));
      if (isTerminal(row.status)) {
        await putIfThere(row, () => cache.putResults(id, endedEntry(resultsHead, row, view)));
      }
      return { view, seq: row.lastSeq };
    },
  };
}

/** What stands before the JSON that the cache holds of a session that has ended. */
function headOf(view: z.ZodType) {
  return z.object({ form: z.literal(formOf(view)), userId: z.uuid(), seq: z.int() });
}

const sessionHead = headOf(sessionSchema);
const resultsHead = headOf(resultsSchema);
type HeadSchema = ReturnType<typeof headOf>;

function endedEntry(schema: HeadSchema, { userId, lastSeq }: SessionRow, { bytes }: Json<unknown>): Buffer {
  const head: z.infer<HeadSchema> = { form: schema.shape.form.value, userId, seq: lastSeq };
  return cachedJson(head, bytes);
}

/** What the cache holds of an ended session; undefined when it holds nothing of it, or it is somebody else's. */
function openEnded<T>(
  schema: HeadSchema,
  { userId }: Owner,
  entry: Buffer | undefined,
): Versioned<Json<T>> | undefined {
  const opened = entry && openCachedJson(schema, entry);
  if (opened?.head.userId !== userId) return undefined;
  return { view: new Json(opened.json), seq: opened.head.seq };
}

/** Whether a session is past its analysis, so that what came of it can be read. */
export function isAnalyzed(status: SessionStatus): boolean {
  return status !== 'created' && status !== 'analyzing';
}

/** A session as its owner reads it, without its impressions. */
export function toView(row: SessionRow): SessionView {
  const { id, userId, sessionType, cue, status, step, metadata, createdAt, completedAt, stuck } = row;
  return {
    id,
    userId,
    sessionType,
    cue,
    status,
    step,
    metadata,
    createdAt,
    completedAt,
    ...(stuck === null ? {} : { stuck }),
  };
}

/** A session as its owner reads it, with the JSON of its impressions. */
export function sessionJson(row: SessionRow, impressions: Buffer | undefined): Json<SessionView> {
  const view = JSON.stringify(toView(row));
  if (impressions === undefined) return new Json(Buffer.from(view));
  return new Json(Buffer.concat([Buffer.from(`${view.slice(0, -1)},"impressions":`), impressions, Buffer.from('}')]));
}
