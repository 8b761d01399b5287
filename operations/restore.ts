import { insertAuditEntry } from '../db/auditEntries.ts';
import { recordGoodBackup } from '../db/backups.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { databaseName, databaseUrl, knowsMigration, onServer } from '../db/databases.ts';
import { endWhatIsLost, existingSessions } from '../db/recovery.ts';
import type { RowCounts } from '../domain/backups.ts';
import type { Actor } from '../domain/operations.ts';
import type { Bucket } from '../integrations/backupBucket.ts';
import type { BackupEntry, BackupManifest, BackupName, BackupStore } from '../integrations/backupStore.ts';
import type { SessionCache } from '../integrations/sessionCache.ts';
import type { Recovery } from '../temporal/recovery.ts';
import {
  compareObjects,
  readManifest,
  removeUnknown,
  restoreDatabase,
  restoreObjects,
  rowsOf,
  type BackedUp,
  type ObjectDifference,
} from './restoring.ts';
import { claimPerhapsBilled } from './takeUp.ts';

/** Restoring a platform from a backup, in its place (docs/decisions/21-backup.md). */

interface RestoreDeps {
  backedUp: BackedUp;
  backups: BackupStore;
  bucket: Bucket;
  cache: Pick<SessionCache, 'forgetEverything'>;
  recovery: Recovery;
}

/** Thrown when a restore cannot be done as things stand; nothing was touched. */
export class CannotRestoreError extends Error {
  override readonly name = 'CannotRestoreError';
}

/** The newest backup that was taken at `at` or before. @throws CannotRestoreError */
export async function chooseBackup(backups: BackupStore, at: Date | 'latest'): Promise<BackupName> {
  const all = await backups.list();
  const chosen = all.find(({ takenAt }) => at === 'latest' || takenAt.getTime() <= at.getTime());
  if (chosen !== undefined) return chosen;
  const oldest = all.at(-1);
  throw new CannotRestoreError(
    oldest === undefined
      ? 'There is no backup.'
      : `There is no backup of that time: the oldest was taken at ${oldest.takenAt.toISOString()}.`,
  );
}

/** What a restore would replace. */
export interface RestorePlan {
  backupId: string;
  takenAt: string;
  rows: { table: string; now: number | null; then: number }[];
  objects: ObjectDifference;
}

/** Looks what a restore would do, and does nothing. @throws DamagedBackupError */
export async function planRestore(
  { backedUp, backups, bucket }: Pick<RestoreDeps, 'backedUp' | 'backups' | 'bucket'>,
  backup: BackupName,
): Promise<RestorePlan> {
  const manifest = await readManifest(backups, backup);
  const name = databaseName(backedUp.databaseUrl);
  const exists = await onServer(backedUp.databaseUrl, (server) => server.exists(name));
  const now: RowCounts = exists ? await rowsOf(backedUp.databaseUrl) : {};
  const then = manifest.database.rows;
  return {
    backupId: manifest.id,
    takenAt: manifest.takenAt,
    rows: Object.keys({ ...now, ...then }).map((table) => ({
      table,
      now: now[table] ?? null,
      then: then[table] ?? 0,
    })),
    objects: await compareObjects(backups, manifest, bucket),
  };
}

/** A restore that was done. */
interface Restored {
  takenAt: Date;
  /** When the database was opened again. */
  openedAt: Date;
  /** What the database that was there before is called now; null where there was none. */
  replaced: string | null;
  objects: number;
  removedObjects: number;
}

/**
 * Puts the platform back to a backup. The database is shut first: until it is opened again, whole, nothing is written,
 * whatever runs, and clients read `maintenance`. What was there is kept under another name. A restore that fails opens
 * it again as it was; one that is killed is done by doing it again.
 *
 * @param say what is under way, in words
 * @throws DamagedBackupError
 */
export async function restorePlatform(
  deps: RestoreDeps,
  backup: BackupName,
  { by, say }: { by: Actor; say: (what: string) => void },
): Promise<Restored> {
  const { backedUp, backups, bucket, cache, recovery } = deps;
  const manifest = await readManifest(backups, backup);
  await refuseNewer(backedUp, manifest);
  if (await recovery.isBackingUp()) {
    throw new CannotRestoreError('A backup is being made: wait for its end, or cancel it in the Temporal Web UI.');
  }
  // It is needed at the end, when it would be late to find out that Redis is not there.
  await cache.forgetEverything();
  const name = databaseName(backedUp.databaseUrl);
  const restoring = `${name.slice(0, 40)}_restoring`;
  const before = `${name.slice(0, 40)}_before_${stamp(new Date())}`;

  return onServer(backedUp.databaseUrl, async (server) => {
    const existed = await server.exists(name);
    try {
      if (existed) await server.shut(name);
      say('restoring the database');
      await restoreDatabase({ backedUp, backups }, manifest, { name: restoring });
      const database = openDatabase({ url: databaseUrl(backedUp.databaseUrl, restoring), poolMax: 4 });
      let objects: number;
      try {
        say('settling what was open');
        await settle(deps, database, { manifest, by });
        say('restoring the objects');
        objects = await restoreObjects(backups, manifest, bucket, {
          isWanted: (entries) => ofExistingSessions(database, entries),
          onProgress: (done) => {
            say(`restoring the objects, ${done} of ${manifest.objects.count}`);
          },
        });
      } finally {
        await database.close();
      }
      say('emptying the caches');
      await cache.forgetEverything();
      await server.shut(restoring);
      if (existed) await server.rename(name, before);
      await server.rename(restoring, name);
      say('removing what came after the backup');
      const removedObjects = await removeUnknown(backups, manifest, bucket);
      const takenAt = new Date(manifest.takenAt);
      return { takenAt, openedAt: new Date(), replaced: existed ? before : null, objects, removedObjects };
    } finally {
      // Whichever it is by now: what was restored, or what was there before.
      if (await server.exists(name)) await server.open(name);
    }
  });
}

/** @throws CannotRestoreError */
async function refuseNewer(backedUp: BackedUp, { database: { schema } }: BackupManifest): Promise<void> {
  if (await knowsMigration(backedUp.databaseUrl, schema)) return;
  throw new CannotRestoreError(
    `The backup is of a newer version of the platform (${schema}): restore it with that one.`,
  );
}

async function settle(
  { recovery }: RestoreDeps,
  database: Database,
  { manifest, by }: { manifest: BackupManifest; by: Actor },
): Promise<void> {
  await database.orm.migrator.up();
  const em = database.asService();
  const takenAt = new Date(manifest.takenAt);
  await claimPerhapsBilled({ database, recovery }, takenAt);
  await endWhatIsLost(em);
  await recordGoodBackup(em, {
    ...{ id: manifest.id, takenAt },
    ...{ objects: manifest.objects.count, objectBytes: manifest.objects.bytes, databaseBytes: manifest.database.bytes },
  });
  const details = { backupId: manifest.id, takenAt: manifest.takenAt };
  await insertAuditEntry(em, { action: 'restore', outcome: 'done', by, details });
}

const sessionKey = /^sessions\/(?<id>[\da-f-]{36})\//;

/** What lies in the folder of a session that the database does not know was erased before the backup was taken. */
async function ofExistingSessions(database: Database, entries: BackupEntry[]): Promise<BackupEntry[]> {
  const sessionOf = ({ key }: BackupEntry) => sessionKey.exec(key)?.groups?.id;
  const ids = new Set(entries.flatMap((entry) => sessionOf(entry) ?? []));
  const existing = await existingSessions(database.asService(), [...ids]);
  return entries.filter((entry) => {
    const id = sessionOf(entry);
    return id === undefined || existing.has(id);
  });
}

function stamp(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(0, 14);
}
