import { ActivityFailure, CancellationScope, setCurrentDetails } from '@temporalio/workflow';
import {
  beginBackup,
  beginRehearsal,
  clearRehearsal,
  completeBackup,
  copyObjects,
  dumpDatabase,
  endRehearsal,
  failBackup,
  pruneBackups,
  rehearseRestore,
} from './backupActivities.ts';

/**
 * A backup of the database and the object storage (docs/decisions/21-backup.md). It counts as one from the moment at
 * which its manifest is written, and that comes last: whatever dies before leaves pieces that the next one clears away.
 */
export async function backupWorkflow(): Promise<void> {
  setCurrentDetails('beginning');
  const { backupId, anew } = await beginBackup();
  try {
    setCurrentDetails('copying the objects');
    const before = await copyObjects({ backupId, list: 'before', anew });
    setCurrentDetails('dumping the database');
    const dumped = await dumpDatabase({ backupId });
    setCurrentDetails('copying the objects that came meanwhile');
    const {
      lists,
      objects: count,
      bytes,
    } = await copyObjects({
      ...{ backupId, list: 'objects', listsBefore: before.lists, anew },
    });
    await completeBackup({ format: 1, id: backupId, ...dumped, objects: { lists, count, bytes } });
  } catch (error) {
    const failure = `${stepOf(error)} failed`;
    await CancellationScope.nonCancellable(() => failBackup({ backupId, failure }));
    throw error;
  }
  setCurrentDetails('removing backups whose time is over');
  await pruneBackups();
  setCurrentDetails('done');
}

/** The rehearsal of a restore; what it used is cleared away whatever it finds. */
export async function rehearsalWorkflow(): Promise<void> {
  const { rehearsalId } = await beginRehearsal();
  try {
    setCurrentDetails('restoring the newest backup into a place of its own');
    const rehearsed = await rehearseRestore({ rehearsalId });
    await endRehearsal({ rehearsalId, ...rehearsed });
    setCurrentDetails(rehearsed.failure ?? 'passed');
  } catch (error) {
    const failure = `${stepOf(error)} failed`;
    await CancellationScope.nonCancellable(() => endRehearsal({ rehearsalId, state: 'failed', failure }));
    throw error;
  } finally {
    await CancellationScope.nonCancellable(clearRehearsal);
  }
}

function stepOf(error: unknown): string {
  return error instanceof ActivityFailure ? error.activityType : 'the workflow';
}
