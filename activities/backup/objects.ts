import { createHash } from 'node:crypto';
import { activityInfo } from '@temporalio/activity';
import pMap from 'p-map';
import { z } from 'zod';
import { updateBackup } from '../../db/backups.ts';
import type { Database } from '../../db/database.ts';
import { notBackedUp } from '../../domain/backups.ts';
import type { Bucket, ListedObject } from '../../integrations/backupBucket.ts';
import type { BackupEntry, BackupStore, ObjectList } from '../../integrations/backupStore.ts';
import { pieceBytes } from '../../integrations/backupStream.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import { whileHeartbeating } from '../heartbeating.ts';

interface CopyDeps {
  database: Database;
  backups: BackupStore;
  /** What is backed up. */
  bucket: Bucket;
}

interface CopyInput {
  backupId: string;
  list: ObjectList;
  /** Of the list `objects`: how many parts the list that was made before the database has. */
  listsBefore?: number;
  /** Everything is read and stored again. */
  anew: boolean;
}

const copiedSchema = z.object({
  /** How many parts the list has. */
  lists: z.int(),
  objects: z.int(),
  bytes: z.number(),
  newObjects: z.int(),
  newBytes: z.number(),
});
type Copied = z.output<typeof copiedSchema>;

/** How far an attempt has come: what its list holds, and the last key in it. */
const reachedSchema = copiedSchema.extend({ after: z.string().optional() });
type Reached = z.output<typeof reachedSchema>;

const nothing: Reached = { lists: 0, objects: 0, bytes: 0, newObjects: 0, newBytes: 0 };
const concurrency = 8;
const entriesInList = 1_000;

/**
 * The objects of a backup. They are listed twice: before the database is dumped, and after it. What the dump names was
 * there the first time, even if it is gone the second time, or came in between; so no row of it is without its object,
 * but for one that came and went while the dump began.
 */
export function createCopyActivities(deps: CopyDeps) {
  return {
    /** Stores what no backup before has, and lists what belongs to this one; goes on where the last attempt was. */
    async copyObjects(input: CopyInput): Promise<Copied> {
      let reached = reachedSchema.safeParse(activityInfo().heartbeatDetails).data ?? nothing;
      await whileHeartbeating(
        async () => {
          for await (const next of copy(deps, input, reached)) {
            reached = next;
            await report(deps.database, input, reached);
          }
        },
        () => reached,
      );
      return copiedSchema.parse(reached);
    },
  };
}

async function report(database: Database, { backupId, list }: CopyInput, reached: Reached): Promise<void> {
  const { objects, bytes: objectBytes, newObjects, newBytes } = reached;
  // What came after the dump is little, and was counted the first time where it was there already.
  const counts = list === 'before' ? { objects, objectBytes, newObjects, newBytes } : { objects, objectBytes };
  await updateBackup(database.asService(), backupId, {
    stage: list === 'before' ? 'objects' : 'new_objects',
    ...counts,
  });
}

async function* copy(deps: CopyDeps, input: CopyInput, from: Reached): AsyncGenerator<Reached> {
  const { backups, bucket } = deps;
  const { backupId, list } = input;
  const earlier = createMerge(await earlierEntries(deps, input), from.after);
  let reached = from;

  async function write(entries: readonly BackupEntry[], isNew: (entry: BackupEntry) => boolean): Promise<Reached> {
    await backups.putEntries(backupId, list, reached.lists, entries);
    const fresh = entries.filter(isNew);
    return {
      lists: reached.lists + 1,
      objects: reached.objects + entries.length,
      bytes: reached.bytes + sum(entries),
      newObjects: reached.newObjects + fresh.length,
      newBytes: reached.newBytes + sum(fresh),
      after: entries.at(-1)?.key ?? reached.after,
    };
  }

  for await (const page of bucket.pages('', from.after)) {
    const listed = page.filter(({ key }) => !notBackedUp.some((prefix) => key.startsWith(prefix)));
    const known = await earlier.upTo(page.at(-1)?.key ?? '');
    const fresh = new Set<BackupEntry>();
    const entries = await pMap(
      listed,
      async (object) => {
        const entry = known.get(object.key);
        if (entry !== undefined && isSame(entry, object) && backups.isCurrent(entry.place)) return entry;
        const copied = await copyObject(deps, object, input.anew);
        if (copied?.stored === true) fresh.add(copied.entry);
        return copied?.entry;
      },
      { concurrency },
    );
    const there = entries.filter((entry) => entry !== undefined);
    const keys = new Set(there.map(({ key }) => key));
    const gone = list === 'objects' ? [...known.values()].filter(({ key }) => !keys.has(key)) : [];
    const all = [...there, ...gone].sort((a, b) => (a.key < b.key ? -1 : 1));
    // The next page begins behind this one's last object, also where nothing of it belongs to the backup.
    reached = {
      ...(all.length > 0 ? await write(all, (entry) => fresh.has(entry)) : reached),
      after: page.at(-1)?.key,
    };
    yield reached;
  }
  if (list !== 'objects') return;
  const rest = [...(await earlier.upTo(undefined)).values()];
  for (let at = 0; at < rest.length; at += entriesInList) {
    reached = await write(rest.slice(at, at + entriesInList), () => false);
    yield reached;
  }
}

/** What is known already: of the list after the dump, the one before it; of that one, the newest backup. */
async function earlierEntries(
  { backups }: CopyDeps,
  { backupId, list, listsBefore = 0, anew }: CopyInput,
): Promise<AsyncGenerator<BackupEntry[]>> {
  if (list === 'objects') return backups.entries(backupId, 'before', listsBefore);
  const [newest] = anew ? [] : await backups.list();
  if (newest === undefined) return backups.entries(backupId, 'before', 0);
  const { id, objects } = await backups.manifest(newest);
  return backups.entries(id, 'objects', objects.lists);
}

/** Reads a list that is in the order of its keys along with another one. */
function createMerge(lists: AsyncGenerator<BackupEntry[]>, after = '') {
  let waiting: BackupEntry[] = [];
  return {
    /** What comes up to this key and was not read before; without one, all the rest. */
    async upTo(last: string | undefined): Promise<Map<string, BackupEntry>> {
      const found = new Map<string, BackupEntry>();
      for (;;) {
        const upTo = waiting.filter(({ key }) => last === undefined || key <= last);
        for (const entry of upTo) if (entry.key > after) found.set(entry.key, entry);
        waiting = waiting.slice(upTo.length);
        if (waiting.length > 0) return found;
        const next = await lists.next();
        if (next.done === true) return found;
        waiting = next.value;
      }
    },
  };
}

function isSame(entry: BackupEntry, { etag, bytes }: ListedObject): boolean {
  return entry.etag === etag && entry.bytes === bytes;
}

/** Null when the object is gone meanwhile. `stored` says whether it was not in the backup storage yet. */
async function copyObject(
  { backups, bucket }: CopyDeps,
  { key }: ListedObject,
  anew: boolean,
): Promise<{ entry: BackupEntry; stored: boolean } | null> {
  try {
    const { body, etag, bytes, headers } = await bucket.get(key);
    // A small one is read once, a large one twice: where it is stored follows from its bytes.
    const isSmall = bytes <= pieceBytes;
    const chunks: Uint8Array[] = [];
    const hash = createHash('sha256');
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      if (isSmall) chunks.push(chunk);
    }
    const sha256 = hash.digest('hex');
    const place = backups.placeOf(sha256);
    const entry = { key, etag, bytes, sha256, place, headers };
    if (!anew && (await backups.has(place))) return { entry, stored: false };
    await backups.putObject(place, isSmall ? chunks : unchanged((await bucket.get(key)).body, sha256));
    return { entry, stored: true };
  } catch (error) {
    if (error instanceof ObjectMissingError) return null;
    throw error;
  }
}

/** Thrown when an object was replaced while it was copied; the next attempt copies what is there then. */
class ObjectChangedError extends Error {
  override readonly name = 'ObjectChangedError';
}

async function* unchanged(body: AsyncIterable<Uint8Array>, sha256: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) throw new ObjectChangedError('An object changed while it was copied');
}

function sum(entries: readonly BackupEntry[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0);
}
