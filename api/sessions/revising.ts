import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { reviseSession, type SessionRow } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';
import { toLiveEvent, type SessionEvent } from '../../domain/events.ts';
import { keptMetadata, sessionContentSchema, type SessionContent } from '../../domain/impressions.ts';
import type { LiveStream } from '../../integrations/liveStream.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import type { SessionContentStore } from '../../integrations/sessionContent.ts';
import type { Caller } from '../auth/caller.ts';
import { entityTagOf, stillMatches } from '../entityTags.ts';
import { requireKnownVersion } from './pinning.ts';
import { toView, type SessionReader, type Versioned } from './reading.ts';
import type { SessionRevisionRequest, SessionView } from './schemas.ts';

export interface ReviseDeps {
  database: Database;
  contents: SessionContentStore;
  live: LiveStream;
  reader: SessionReader;
}

/** How often a change is made again from the newer content when another one came in between. */
const attempts = 3;

/** A change to a session; with `ifMatch`, only if the session still is as the client has read it. */
export interface Revision {
  change: SessionRevisionRequest;
  /** The header `If-Match`. */
  ifMatch?: string | undefined;
}

/**
 * Changes a session that is still being recorded. Each version of the content is an object of its own, so a change
 * that loses against another, or against the start of the analysis, leaves nothing half done.
 *
 * @throws ApiError `analysis_begun`, `changed_meanwhile`
 */
export async function changeSession(
  deps: ReviseDeps,
  caller: Caller,
  id: string,
  { change, ifMatch }: Revision,
): Promise<Versioned<SessionView>> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const row = await deps.reader.find(caller, id);
    if (row.status !== 'created') break;
    if (!stillMatches(entityTagOf(row.lastSeq), ifMatch)) throw new ApiError('changed_meanwhile');
    const content = await currentContent(deps, row);
    if (content === null) continue;
    const changed = merge(content, change);
    await requireKnownVersion(deps.database, changed);
    const contentKey = await deps.contents.put({ sessionId: id, userId: caller.userId }, randomUUID(), changed);
    const event = await record(deps, caller, row, changed, contentKey);
    if (event !== null) return finish(deps, row, changed, contentKey, event);
    await deps.contents.delete(contentKey);
  }
  throw new ApiError('analysis_begun');
}

/** Null when another change has replaced it since the row was read. */
async function currentContent({ reader }: ReviseDeps, row: SessionRow): Promise<SessionContent | null> {
  try {
    return await reader.contentOf(row);
  } catch (error) {
    if (error instanceof ObjectMissingError) return null;
    throw error;
  }
}

const mergedSchema = z.object({ body: sessionContentSchema });

/** @throws z.ZodError when the impressions are not of the session's type */
function merge(content: SessionContent, change: SessionRevisionRequest): SessionContent {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return mergedSchema.parse({ body: { ...content, ...given } }).body;
}

function record(
  { database }: ReviseDeps,
  caller: Caller,
  row: SessionRow,
  content: SessionContent,
  contentKey: string,
): Promise<SessionEvent | null> {
  return reviseSession(database.asUser(caller.userId), {
    id: row.id,
    cue: content.cue,
    metadata: keptMetadata(content),
    contentKey,
    hasImpressions: content.impressions !== undefined,
    previousContentKey: row.contentKey,
  });
}

async function finish(
  { contents, live, reader }: ReviseDeps,
  row: SessionRow,
  content: SessionContent,
  contentKey: string,
  event: SessionEvent,
): Promise<Versioned<SessionView>> {
  const changed = {
    ...row,
    contentKey,
    cue: content.cue,
    metadata: keptMetadata(content),
    step: event.data.step,
    status: event.data.status,
  };
  await Promise.all([
    reader.remember(changed, content),
    live.publish(toLiveEvent(row.id, { ...event, userId: row.userId })),
    contents.delete(row.contentKey),
  ]);
  return { view: toView(changed, content.impressions), seq: event.seq };
}
