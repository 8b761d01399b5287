import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { reviseSession, type SessionRow } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';
import { toLiveEvent, type SessionEvent } from '../../domain/events.ts';
import {
  holdsPictures,
  keptMetadata,
  sessionContentSchema,
  type KeptContent,
  type SessionContent,
} from '../../domain/content.ts';
import type { LiveStream } from '../../integrations/liveStream.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import type { SessionContentStore } from '../../integrations/sessionContent.ts';
import type { Caller } from '../auth/caller.ts';
import { entityTagOf, stillMatches } from '../entityTags.ts';
import type { Json } from '../json.ts';
import { requireKnownVersion } from './pinning.ts';
import { sessionJson, type SessionReader, type Versioned } from './reading.ts';
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
 * Changes a session that is still being recorded. The cue and the metadata lie in its row, so a change of these alone is
 * one statement. Impressions and pictures lie in object storage, each version in an object of its own, so a change that
 * loses against another, or against the start of the analysis, leaves nothing half done.
 *
 * @throws ApiError `analysis_begun`, `changed_meanwhile`
 */
export async function changeSession(
  deps: ReviseDeps,
  caller: Caller,
  id: string,
  { change, ifMatch }: Revision,
): Promise<Versioned<Json<SessionView>>> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const row = await deps.reader.find(caller, id);
    if (row.status !== 'created') break;
    if (!stillMatches(entityTagOf(row.lastSeq), ifMatch)) throw new ApiError('changed_meanwhile');
    const from = { row, previousSeq: ifMatch === undefined ? undefined : row.lastSeq };
    const changed = await whileThere(() =>
      isOfRowAlone(row, change) ? changeRow(deps, from, change) : changeContent(deps, from, change),
    );
    if (changed !== null) return changed;
  }
  throw new ApiError('analysis_begun');
}

/** The session as the change was made from it. */
interface From {
  row: SessionRow;
  previousSeq: number | undefined;
}

function isOfRowAlone(row: SessionRow, { impressions, metadata }: SessionRevisionRequest): boolean {
  if (impressions !== undefined) return false;
  return metadata === undefined || !(holdsPictures(row.metadata) || holdsPictures(metadata));
}

/** Null when another change has replaced the content since the row was read. */
async function whileThere<T>(change: () => Promise<T | null>): Promise<T | null> {
  try {
    return await change();
  } catch (error) {
    if (error instanceof ObjectMissingError) return null;
    throw error;
  }
}

async function changeRow(
  { database, live, reader }: ReviseDeps,
  { row, previousSeq }: From,
  { cue, metadata }: SessionRevisionRequest,
): Promise<Versioned<Json<SessionView>> | null> {
  await requireKnownVersion(database, { sessionType: row.sessionType, metadata });
  const impressions = await reader.impressionsOf(row);
  const revised = await reviseSession(database.asUser(row.userId), {
    id: row.id,
    cue,
    metadata,
    previousContentKey: row.contentKey,
    previousSeq,
  });
  if (revised === null) return null;
  await announce(live, row, revised.event);
  return shown(row, revised, impressions);
}

async function changeContent(
  { database, contents, live, reader }: ReviseDeps,
  { row, previousSeq }: From,
  change: SessionRevisionRequest,
): Promise<Versioned<Json<SessionView>> | null> {
  const content = merge(await reader.contentOf(row), change);
  await requireKnownVersion(database, content);
  const { impressions } = content;
  const key = await contents.put({ sessionId: row.id, userId: row.userId }, randomUUID(), content);
  const revised = await reviseSession(database.asUser(row.userId), {
    id: row.id,
    cue: change.cue,
    metadata: change.metadata === undefined ? undefined : (keptMetadata(content) ?? undefined),
    content: { key, hasImpressions: impressions !== undefined },
    previousContentKey: row.contentKey,
    previousSeq,
  });
  if (revised === null) {
    await contents.delete(key);
    return null;
  }
  const changed = { ...row, contentKey: key };
  await Promise.all([
    reader.remember(changed, content),
    announce(live, row, revised.event),
    contents.delete(row.contentKey),
  ]);
  return shown(changed, revised, impressions && Buffer.from(JSON.stringify(impressions)));
}

const mergedSchema = z.object({ body: sessionContentSchema });

/** @throws z.ZodError when the impressions are not of the session's type */
function merge(content: SessionContent, change: SessionRevisionRequest): SessionContent {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return mergedSchema.parse({ body: { ...content, ...given } }).body;
}

function announce(live: LiveStream, { id, userId }: SessionRow, event: SessionEvent): Promise<void> {
  return live.publish(toLiveEvent(id, { ...event, userId }));
}

function shown(
  row: SessionRow,
  { event, kept }: { event: SessionEvent; kept: KeptContent },
  impressions: Buffer | undefined,
): Versioned<Json<SessionView>> {
  const { status, step } = event.data;
  return { view: sessionJson({ ...row, ...kept, status, step }, impressions), seq: event.seq };
}
