import { createHash } from 'node:crypto';
import { cancellationSignal } from '@temporalio/activity';
import { updateBackup } from '../../db/backups.ts';
import type { Database } from '../../db/database.ts';
import { withSnapshot } from '../../db/databases.ts';
import type { BackupManifest, BackupStore } from '../../integrations/backupStore.ts';
import { dumpDatabase } from '../../integrations/backupTools.ts';
import type { BackedUp } from '../../operations/restoring.ts';
import { whileHeartbeating } from '../heartbeating.ts';

interface DumpDeps {
  database: Database;
  backups: BackupStore;
  backedUp: BackedUp;
}

/** The database of a backup, as it was at one moment. */
export function createDumpActivities({ database, backups, backedUp }: DumpDeps) {
  return {
    /** Streams a dump into the backup storage; an attempt that died is made again from the start. */
    dumpDatabase: ({ backupId }: { backupId: string }): Promise<Pick<BackupManifest, 'takenAt' | 'database'>> =>
      whileHeartbeating(async () => {
        const em = database.asService();
        await updateBackup(em, backupId, { stage: 'database' });
        const { takenAt, dumped } = await withSnapshot(database.asService(), async (snapshot) => {
          const hash = createHash('sha256');
          let bytes = 0;
          const dump = dumpDatabase({
            databaseUrl: backedUp.databaseUrl,
            binDir: backedUp.postgresBinDir,
            snapshotId: snapshot.id,
            signal: cancellationSignal(),
          });
          const measured = async function* () {
            for await (const chunk of dump) {
              hash.update(chunk);
              bytes += chunk.byteLength;
              yield chunk;
            }
          };
          await backups.putDump(backupId, measured());
          const { rows, schema } = snapshot;
          return { takenAt: snapshot.takenAt, dumped: { schema, rows, bytes, sha256: hash.digest('hex') } };
        });
        await updateBackup(em, backupId, { takenAt, databaseBytes: dumped.bytes });
        return { takenAt: takenAt.toISOString(), database: dumped };
      }),
  };
}
