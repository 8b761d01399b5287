import { createHmac, hkdfSync } from 'node:crypto';
import { z } from 'zod';
import type { MasterKey } from '../domain/encryption.ts';
import { openBucket, type Bucket } from './backupBucket.ts';
import { sealStream, unsealStream } from './backupStream.ts';
import { ObjectMissingError } from './objectStore.ts';
import { ObjectCorruptError } from './sealing.ts';
import type { StorageAddress } from './storageClient.ts';

/**
 * Where backups lie (D4): a bucket of its own, at best with another provider. Everything in it is sealed by `BACKUP_KEYS`.
 *
 *     manifests/{when it was taken}_{id}   what the backup consists of; written last, so that without one there is none
 *     backups/{id}/database                pg_dump's custom format
 *     backups/{id}/{list}/{number}         up to a thousand objects each: key, size, checksum, where it is stored
 *     objects/{key id}/{name}              each object once, however many backups hold it
 *
 * An object's name is a keyed hash of its bytes, since the plain one would tell who knows a file that it is here. The
 * key's id stands before it: after a change of keys everything is stored anew, and the old key can go with its backups.
 */
export interface BackupStore {
  ensure(): Promise<void>;
  /** Backups that are complete, the newest first. */
  list(): Promise<BackupName[]>;
  /** @throws ObjectMissingError, ObjectCorruptError */
  manifest(backup: BackupName): Promise<BackupManifest>;
  /** Makes a backup one. */
  putManifest(manifest: BackupManifest): Promise<void>;
  putDump(id: string, dump: AsyncIterable<Uint8Array>): Promise<void>;
  /** @throws ObjectMissingError, ObjectCorruptError, while it is read */
  dump(id: string): AsyncIterable<Uint8Array>;
  putEntries(id: string, list: ObjectList, number: number, entries: readonly BackupEntry[]): Promise<void>;
  /** @throws ObjectMissingError, ObjectCorruptError, while it is read */
  entries(id: string, list: ObjectList, count: number): AsyncGenerator<BackupEntry[]>;
  /** Where bytes with this checksum are stored, or will be. */
  placeOf(sha256: string): string;
  /** Whether what is stored there was sealed with the key that seals now. */
  isCurrent(place: string): boolean;
  has(place: string): Promise<boolean>;
  putObject(place: string, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** @throws ObjectMissingError, ObjectCorruptError, while it is read */
  object(place: string): AsyncIterable<Uint8Array>;
  /** Removes a backup; from its first moment on it counts as none. */
  remove(backup: BackupName): Promise<void>;
  /** Removes what neither these backups nor these places name, and says how many objects that were. */
  sweep(needed: { ids: ReadonlySet<string>; places: ReadonlySet<string> }): Promise<number>;
  close(): void;
}

/** The objects before the database was dumped, and all that belong to the backup. */
export type ObjectList = 'before' | 'objects';

export interface BackupName {
  id: string;
  takenAt: Date;
}

const count = z.int().min(0);

const manifestSchema = z.object({
  format: z.literal(1),
  id: z.uuid(),
  /** ISO 8601, UTC: what was committed before is in the backup. */
  takenAt: z.iso.datetime(),
  database: z.object({
    /** The newest migration. */
    schema: z.string(),
    /** Of the dump as it is before it is sealed. */
    bytes: count,
    sha256: z.hash('sha256'),
    rows: z.record(z.string(), count),
  }),
  objects: z.object({ lists: count, count, bytes: count }),
});
export type BackupManifest = z.output<typeof manifestSchema>;

const entrySchema = z.object({
  key: z.string(),
  etag: z.string(),
  bytes: count,
  sha256: z.hash('sha256'),
  place: z.string(),
  headers: z.object({
    contentType: z.string().optional(),
    contentDisposition: z.string().optional(),
    cacheControl: z.string().optional(),
  }),
});
/** An object of a backup: as it lay in the storage, and where the backup has it. */
export type BackupEntry = z.output<typeof entrySchema>;

export interface BackupStoreOptions extends StorageAddress {
  bucket: string;
  /** The first seals, all open. */
  keys: readonly MasterKey[];
}

const manifests = 'manifests/';
const backups = 'backups/';
const objects = 'objects/';

/** @throws where there is no key to seal with */
export function createBackupStore({ bucket: name, keys, ...address }: BackupStoreOptions): BackupStore {
  const bucket: Bucket = openBucket(name, address);
  const sealingKey = keys[0];
  if (sealingKey === undefined) throw new Error('Backups need a key.');
  const ownPlaces = `${objects}${sealingKey.id}/`;
  const nameKey = Buffer.from(hkdfSync('sha256', sealingKey.key, '', 'names of objects in backups', 32));

  async function put(key: string, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    await bucket.put(key, sealStream(body, key, keys));
  }

  async function* get(key: string): AsyncGenerator<Uint8Array> {
    const { body } = await bucket.get(key);
    yield* unsealStream(body, key, keys);
  }

  async function getJson(key: string): Promise<unknown> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of get(key)) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  }

  return {
    ensure: () => bucket.ensure(),
    async list() {
      const found: BackupName[] = [];
      for await (const page of bucket.pages(manifests)) found.push(...page.flatMap(({ key }) => nameFrom(key) ?? []));
      return found.reverse();
    },
    async manifest(backup) {
      const manifest = manifestSchema.parse(await getJson(manifestKey(backup)));
      if (manifest.id !== backup.id) throw new ObjectCorruptError('The manifest is that of another backup.');
      return manifest;
    },
    async putManifest(manifest) {
      const { id, takenAt } = manifest;
      await put(manifestKey({ id, takenAt: new Date(takenAt) }), [Buffer.from(JSON.stringify(manifest))]);
    },
    async putDump(id, dump) {
      // What a process that died has left of an earlier attempt would lie there unseen for ever.
      await bucket.abandonUploads(`${backups}${id}/`);
      await put(`${backups}${id}/database`, dump);
    },
    dump: (id) => get(`${backups}${id}/database`),
    async putEntries(id, list, number, entries) {
      await put(entriesKey(id, list, number), [Buffer.from(JSON.stringify(entries))]);
    },
    async *entries(id, list, count) {
      for (let number = 0; number < count; number += 1) {
        yield z.array(entrySchema).parse(await getJson(entriesKey(id, list, number)));
      }
    },
    placeOf: (sha256) => `${ownPlaces}${createHmac('sha256', nameKey).update(sha256, 'hex').digest('hex')}`,
    isCurrent: (place) => place.startsWith(ownPlaces),
    has: (place) => bucket.has(place),
    putObject: put,
    object: get,
    async remove(backup) {
      await bucket.delete([manifestKey(backup)]);
      for await (const page of bucket.pages(`${backups}${backup.id}/`)) await bucket.delete(page.map(({ key }) => key));
    },
    async sweep({ ids, places }) {
      let swept = 0;
      const sweepUnder = async (prefix: string, isNeeded: (key: string) => boolean): Promise<void> => {
        for await (const page of bucket.pages(prefix)) {
          const left = page.flatMap(({ key }) => (isNeeded(key) ? [] : [key]));
          await bucket.delete(left);
          swept += left.length;
        }
      };
      await bucket.abandonUploads('');
      await sweepUnder(backups, (key) => ids.has(key.split('/')[1] ?? ''));
      await sweepUnder(objects, (key) => places.has(key));
      return swept;
    },
    close: () => {
      bucket.close();
    },
  };
}

function manifestKey({ id, takenAt }: BackupName): string {
  return `${manifests}${takenAt.toISOString()}_${id}`;
}

function nameFrom(key: string): BackupName | undefined {
  const [takenAt = '', id] = key.slice(manifests.length).split('_');
  const time = new Date(takenAt);
  return id === undefined || Number.isNaN(time.getTime()) ? undefined : { id, takenAt: time };
}

function entriesKey(id: string, list: ObjectList, number: number): string {
  return `${backups}${id}/${list}/${String(number).padStart(8, '0')}`;
}

export { ObjectCorruptError, ObjectMissingError };
