import { deleteBackups, insertBackup, failRunningBackups, listRehearsals, updateBackup } from '../../db/backups.ts';
import type { Database } from '../../db/database.ts';
import { keptBackups } from '../../domain/backups.ts';
import type { BackupManifest, BackupStore } from '../../integrations/backupStore.ts';
import { whileHeartbeating } from '../heartbeating.ts';

interface BackupRecordDeps {
  database: Database;
  backups: BackupStore;
}

interface BackupBegun {
  backupId: string;
  /** Every object is copied again, since the last rehearsal found that what is stored is not sound. */
  anew: boolean;
}

/** How a backup begins and ends, and which ones are kept. */
export function createBackupRecordActivities({ database, backups }: BackupRecordDeps) {
  return {
    async beginBackup(): Promise<BackupBegun> {
      const em = database.asService();
      // One is made at a time, so whatever else is said to run was given up.
      await failRunningBackups(em);
      await backups.ensure();
      const [rehearsed] = await listRehearsals(em, 1);
      return { backupId: await insertBackup(em), anew: rehearsed?.state === 'damaged' };
    },

    /** Writes the manifest, by which the backup counts as one. */
    async completeBackup(manifest: BackupManifest): Promise<void> {
      await backups.putManifest(manifest);
      await updateBackup(database.asService(), manifest.id, { state: 'good', stage: 'done', endedAt: new Date() });
    },

    async failBackup({ backupId, failure }: { backupId: string; failure: string }): Promise<void> {
      await updateBackup(database.asService(), backupId, { state: 'failed', failure, endedAt: new Date() });
    },

    /** Removes backups whose time is over, and every stored object that no backup needs any more. */
    pruneBackups: (): Promise<{ removed: number; swept: number }> =>
      whileHeartbeating(async () => {
        const all = await backups.list();
        const kept = keptBackups(all);
        const over = all.filter(({ id }) => !kept.has(id));
        for (const backup of over) await backups.remove(backup);
        await deleteBackups(
          database.asService(),
          over.map(({ id }) => id),
        );
        const places = new Set<string>();
        for (const backup of all.filter(({ id }) => kept.has(id))) {
          const { id, objects } = await backups.manifest(backup);
          for await (const entries of backups.entries(id, 'objects', objects.lists)) {
            for (const { place } of entries) places.add(place);
          }
        }
        return { removed: over.length, swept: await backups.sweep({ ids: kept, places }) };
      }),
  };
}
