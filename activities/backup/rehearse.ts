import { createHash } from 'node:crypto';
import { cancellationSignal } from '@temporalio/activity';
import { insertRehearsal, updateRehearsal } from '../../db/backups.ts';
import { contentKeyRows } from '../../db/contentKeys.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import { databaseName, databaseUrl, onServer } from '../../db/databases.ts';
import { sampleSessions, type SampledSession } from '../../db/sessionSamples.ts';
import type { RehearsalState } from '../../domain/backups.ts';
import { modelResultSchema } from '../../domain/results.ts';
import { openBucket } from '../../integrations/backupBucket.ts';
import type { BackupStore } from '../../integrations/backupStore.ts';
import { createContentKeys } from '../../integrations/contentKeys.ts';
import { createObjectStore } from '../../integrations/objectStore.ts';
import { createSessionContentStore, type SessionContentStore } from '../../integrations/sessionContent.ts';
import { createUploads, type Uploads } from '../../integrations/uploads.ts';
import {
  DamagedBackupError,
  readManifest,
  restoreDatabase,
  restoreObjects,
  type BackedUp,
} from '../../operations/restoring.ts';
import { whileHeartbeating } from '../heartbeating.ts';

interface RehearseDeps {
  database: Database;
  backups: BackupStore;
  backedUp: BackedUp;
}

interface Rehearsed {
  state: Exclude<RehearsalState, 'running'>;
  /** What was found wrong. */
  failure: string | null;
}

/** How many sessions are read back whole. */
const sampled = 10;

/** Restores the newest backup into a database and a bucket of their own, and looks whether it is all there. */
export function createRehearseActivities({ database, backups, backedUp }: RehearseDeps) {
  const scratch = {
    database: `${databaseName(backedUp.databaseUrl).slice(0, 40)}_rehearsal`,
    bucket: `${backedUp.bucket.slice(0, 50)}-rehearsal`,
  };

  /** Each session of the sample as its owner would read it. @throws DamagedBackupError */
  async function readBack(): Promise<number> {
    const restored = openDatabase({ url: databaseUrl(backedUp.databaseUrl, scratch.database), poolMax: 1 });
    const storage = { ...backedUp.storage, bucket: scratch.bucket };
    const objects = createObjectStore({ ...storage, masterKeys: backedUp.masterKeys });
    const uploads = createUploads({ ...storage, objects });
    const keys = createContentKeys(contentKeyRows(restored), backedUp.masterKeys);
    const contents = createSessionContentStore(objects, keys);
    try {
      const sessions = await sampleSessions(restored.asService(), sampled);
      for (const session of sessions) await readWhole(session, { contents, uploads });
      return sessions.length;
    } finally {
      objects.close();
      uploads.close();
      await restored.close();
    }
  }

  return {
    async beginRehearsal(): Promise<{ rehearsalId: string }> {
      const [newest] = await backups.list();
      return { rehearsalId: await insertRehearsal(database.asService(), newest?.id ?? null) };
    },

    /** What time may mend is thrown and tried again; what is damaged is the rehearsal's finding. */
    rehearseRestore: ({ rehearsalId }: { rehearsalId: string }): Promise<Rehearsed> =>
      whileHeartbeating(async () => {
        const bucket = openBucket(scratch.bucket, backedUp.storage);
        try {
          const [newest] = await backups.list();
          if (newest === undefined) throw new DamagedBackupError('There is no backup');
          const manifest = await readManifest(backups, newest);
          const signal = cancellationSignal();
          await restoreDatabase({ backedUp, backups }, manifest, { name: scratch.database, signal });
          await bucket.drop();
          await bucket.ensure();
          const objects = await restoreObjects(backups, manifest, bucket);
          const tableRows = Object.values(manifest.database.rows).reduce((sum, rows) => sum + rows, 0);
          const sessions = await readBack();
          await updateRehearsal(database.asService(), rehearsalId, {
            ...{ backupId: newest.id, tableRows, objects, sessions },
          });
          return { state: 'passed', failure: null };
        } catch (error) {
          if (!(error instanceof DamagedBackupError)) throw error;
          return { state: 'damaged', failure: error.message };
        } finally {
          bucket.close();
        }
      }),

    async endRehearsal({ rehearsalId, state, failure }: Rehearsed & { rehearsalId: string }): Promise<void> {
      await updateRehearsal(database.asService(), rehearsalId, { state, failure, endedAt: new Date() });
    },

    clearRehearsal: (): Promise<void> =>
      whileHeartbeating(async () => {
        await onServer(backedUp.databaseUrl, (server) => server.drop(scratch.database));
        const bucket = openBucket(scratch.bucket, backedUp.storage);
        await bucket.drop();
        bucket.close();
      }),
  };
}

async function readWhole(
  { id, sessionType, contentKey, results, files }: SampledSession,
  { contents, uploads }: { contents: SessionContentStore; uploads: Uploads },
): Promise<void> {
  try {
    // The cue and the metadata in it may be older than the row's.
    const content = await contents.getStored(contentKey);
    if (content.sessionType !== sessionType) throw new DamagedBackupError('its content is that of another');
    for (const result of results) modelResultSchema.parse(result);
    for (const { attachmentId, sha256 } of files) {
      const hash = createHash('sha256');
      const file: AsyncIterable<Uint8Array> = await uploads.readFile({ sessionId: id, attachmentId });
      for await (const chunk of file) hash.update(chunk);
      if (hash.digest('hex') !== sha256) throw new DamagedBackupError('a file of it is another');
    }
  } catch (error) {
    const why = error instanceof DamagedBackupError ? error.message : 'something of it is missing or does not open';
    throw new DamagedBackupError(`The session ${id} cannot be read back whole: ${why}`, { cause: error });
  }
}
