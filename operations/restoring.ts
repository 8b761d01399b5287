import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { openDatabase } from '../db/database.ts';
import { countRows, databaseUrl, onServer } from '../db/databases.ts';
import type { RowCounts } from '../domain/backups.ts';
import type { MasterKey } from '../domain/encryption.ts';
import type { Bucket } from '../integrations/backupBucket.ts';
import type { BackupEntry, BackupManifest, BackupName, BackupStore } from '../integrations/backupStore.ts';
import { fillDatabase } from '../integrations/backupTools.ts';
import { ObjectMissingError } from '../integrations/objectStore.ts';
import { ObjectCorruptError } from '../integrations/sealing.ts';
import type { StorageAddress } from '../integrations/storageClient.ts';

/** Getting back what a backup holds, wherever it is put: into a scratch place to rehearse, or where it came from. */

/** What backups are taken of. */
export interface BackedUp {
  databaseUrl: string;
  /** Where pg_dump and pg_restore are; the usual places unless given. */
  postgresBinDir: string | undefined;
  storage: StorageAddress;
  bucket: string;
  /** Open what people recorded; a backup holds it as it lies in the storage. */
  masterKeys: readonly MasterKey[];
}

/** Thrown when a backup is not what it was when it was taken; the message says what, and names no content. */
export class DamagedBackupError extends Error {
  override readonly name = 'DamagedBackupError';
}

/** @throws DamagedBackupError */
export function readManifest(backups: BackupStore, backup: BackupName): Promise<BackupManifest> {
  return damageNamed('The manifest', () => backups.manifest(backup));
}

/** How many objects are under way at once. */
const concurrency = 8;

/**
 * Makes a database of this name from a backup: complete and checked, or not there.
 *
 * @throws DamagedBackupError
 */
export async function restoreDatabase(
  { backedUp, backups }: { backedUp: BackedUp; backups: BackupStore },
  manifest: BackupManifest,
  { name, signal }: { name: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const url = databaseUrl(backedUp.databaseUrl, name);
  await onServer(backedUp.databaseUrl, (server) => server.create(name));
  try {
    const { id, database } = manifest;
    const dump = checked(backups.dump(id), database, 'The dump of the database');
    await damageNamed('The dump of the database', () =>
      fillDatabase(dump, { databaseUrl: url, binDir: backedUp.postgresBinDir, signal }),
    );
    const difference = differenceOf(database.rows, await rowsOf(url));
    if (difference !== null) throw new DamagedBackupError(difference);
  } catch (error) {
    await onServer(backedUp.databaseUrl, (server) => server.drop(name));
    throw error;
  }
}

/** How many rows the tables of a database have. */
export async function rowsOf(url: string): Promise<RowCounts> {
  const database = openDatabase({ url, poolMax: 1 });
  try {
    return await countRows(database.asService());
  } finally {
    await database.close();
  }
}

function differenceOf(expected: RowCounts, found: RowCounts): string | null {
  const table = Object.keys(expected).find((name) => found[name] !== expected[name]);
  if (table === undefined) return null;
  return `The table ${table} has ${found[table] ?? 'no'} rows in place of ${expected[table] ?? 0}`;
}

/** What has to be done to a bucket so that it holds what a backup does. */
export interface ObjectDifference {
  /** As the backup has them. */
  same: number;
  missing: number;
  /** There, with other bytes. */
  changed: number;
  /** There, and not in the backup: they came after it. */
  unknown: number;
}

/**
 * Puts the objects of a backup where they are missing or differ, checking each against its checksum.
 *
 * @param isWanted what is not is left out; everything unless given
 * @throws DamagedBackupError at the first one that is not what it was
 */
export async function restoreObjects(
  backups: BackupStore,
  manifest: BackupManifest,
  target: Bucket,
  {
    isWanted = (entries) => Promise.resolve(entries),
    onProgress,
  }: {
    isWanted?: (entries: BackupEntry[]) => Promise<BackupEntry[]>;
    onProgress?: (done: number) => void;
  } = {},
): Promise<number> {
  let done = 0;
  for await (const { entries, present } of compared(backups, manifest, target)) {
    const wanted = (await isWanted(entries)).filter(({ key, etag, bytes }) => {
      const there = present.get(key);
      return there === undefined || there.etag !== etag || there.bytes !== bytes;
    });
    await pMap(wanted, (entry) => restoreObject(backups, entry, target), { concurrency });
    done += entries.length;
    onProgress?.(done);
  }
  return done;
}

async function restoreObject(backups: BackupStore, entry: BackupEntry, target: Bucket): Promise<void> {
  const { key, place, headers } = entry;
  const what = `The object ${key}`;
  await damageNamed(what, () => target.put(key, checked(backups.object(place), entry, what), headers));
}

/** How a bucket differs from what a backup holds of it. */
export async function compareObjects(
  backups: BackupStore,
  manifest: BackupManifest,
  bucket: Bucket,
): Promise<ObjectDifference> {
  const difference = { same: 0, missing: 0, changed: 0, unknown: 0 };
  for await (const { entries, present } of compared(backups, manifest, bucket)) {
    for (const { key, etag, bytes } of entries) {
      const there = present.get(key);
      if (there === undefined) difference.missing += 1;
      else if (there.etag === etag && there.bytes === bytes) difference.same += 1;
      else difference.changed += 1;
      present.delete(key);
    }
    difference.unknown += present.size;
  }
  return difference;
}

/** Removes from a bucket what a backup does not know, and says how many objects that were. */
export async function removeUnknown(backups: BackupStore, manifest: BackupManifest, bucket: Bucket): Promise<number> {
  let removed = 0;
  for await (const { entries, present } of compared(backups, manifest, bucket)) {
    for (const { key } of entries) present.delete(key);
    await bucket.delete([...present.keys()]);
    removed += present.size;
  }
  return removed;
}

/**
 * A backup's objects beside those of a bucket, some thousand at a time: both come in the order of their keys, so that no
 * more than that is in memory.
 */
async function* compared(backups: BackupStore, manifest: BackupManifest, bucket: Bucket) {
  const pages = bucket.pages('');
  let page = await nextPage(pages);
  for await (const entries of entriesOf(backups, manifest)) {
    const last = entries.at(-1)?.key ?? '';
    const present = new Map<string, { etag: string; bytes: number }>();
    while (page.length > 0 && (page[0]?.key ?? '') <= last) {
      for (const object of page.filter(({ key }) => key <= last)) present.set(object.key, object);
      page = page.filter(({ key }) => key > last);
      if (page.length === 0) page = await nextPage(pages);
    }
    yield { entries, present };
  }
  for (; page.length > 0; page = await nextPage(pages)) {
    yield { entries: [], present: new Map(page.map((object) => [object.key, object])) };
  }
}

/** @throws DamagedBackupError */
async function* entriesOf(backups: BackupStore, { id, objects }: BackupManifest): AsyncGenerator<BackupEntry[]> {
  const lists = backups.entries(id, 'objects', objects.lists);
  for (;;) {
    const next = await damageNamed('The list of objects', () => lists.next());
    if (next.done === true) return;
    yield next.value;
  }
}

async function nextPage(pages: ReturnType<Bucket['pages']>) {
  const next = await pages.next();
  return next.done === true ? [] : next.value;
}

/** The same bytes; throws at their end when they are not those that the checksum was made of. */
async function* checked(
  source: AsyncIterable<Uint8Array>,
  { bytes, sha256 }: { bytes: number; sha256: string },
  what: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let seen = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    seen += chunk.byteLength;
    yield chunk;
  }
  if (seen !== bytes || hash.digest('hex') !== sha256) {
    throw new DamagedBackupError(`${what} is not what was backed up: its checksum is another`);
  }
}

/** Says of what a piece was missing or did not open. */
async function damageNamed<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ObjectMissingError) {
      throw new DamagedBackupError(`${what} is missing in the backup storage`, { cause: error });
    }
    if (error instanceof ObjectCorruptError) {
      throw new DamagedBackupError(`${what} does not open: it was altered, cut off, or its key is not configured`, {
        cause: error,
      });
    }
    throw error;
  }
}
