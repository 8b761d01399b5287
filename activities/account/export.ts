import type { Readable } from 'node:stream';
import { heartbeat } from '@temporalio/activity';
import {
  accountTables,
  contentOf,
  findExport,
  rowsOf,
  sessionsOf,
  sessionTables,
  updateExport,
} from '../../db/accountExports.ts';
import { findAttachment, listAttachments } from '../../db/attachments.ts';
import type { Database } from '../../db/database.ts';
import { savedNameOf, type AttachmentIds } from '../../domain/attachments.ts';
import type { SessionContent } from '../../domain/content.ts';
import type { AccountArchives, ArchiveEntry, ArchiveName } from '../../integrations/accountArchives.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import type { SessionContentStore } from '../../integrations/sessionContent.ts';
import type { Uploads } from '../../integrations/uploads.ts';
import { whileHeartbeating } from '../heartbeating.ts';

interface ExportAccountDeps {
  database: Database;
  archives: AccountArchives;
  contents: SessionContentStore;
  uploads: Uploads;
}

/** The progress is written after so many sessions. */
const progressEvery = 25;

const readme = `Everything that MindPeeker holds of your account.

account/            your account and what belongs to it, one file a table
sessions/<id>/      each session: content.json is what you recorded, attachments/ the files that you added, the other
                    files what came of it

Secrets (hashes of passwords and tokens, keys) are left out: they are of use to nobody but the platform.
`;

/** Makes the archive of everything that the platform holds of a person, and removes it when its time is over. */
export function createExportAccountActivities({ database, archives, contents, uploads }: ExportAccountDeps) {
  async function* entriesOf(userId: string, exportId: string): AsyncGenerator<ArchiveEntry> {
    const em = database.asService();
    yield { path: 'README.txt', content: readme };
    for (const table of accountTables) {
      yield { path: `account/${table}.json`, content: pretty(await rowsOf(em, table, userId)) };
    }
    const sessions = await sessionsOf(em, userId);
    await updateExport(em, exportId, { sessions: sessions.length });
    for (const [i, sessionId] of sessions.entries()) {
      const content = await contentNow(sessionId);
      if (content !== null) yield { path: `sessions/${sessionId}/content.json`, content: pretty(content) };
      for (const table of sessionTables) {
        yield { path: `sessions/${sessionId}/${table}.json`, content: pretty(await rowsOf(em, table, sessionId)) };
      }
      for (const { id, fileName, mediaType, status } of await listAttachments(em, sessionId)) {
        if (status !== 'ready') continue;
        const path = `sessions/${sessionId}/attachments/${id}/${savedNameOf(fileName, mediaType)}`;
        const file = await fileNow({ sessionId, attachmentId: id });
        if (file !== null) yield { path, content: file };
      }
      heartbeat();
      if ((i + 1) % progressEvery === 0) await updateExport(em, exportId, { sessionsDone: i + 1 });
    }
    await updateExport(em, exportId, { sessionsDone: sessions.length });
  }

  /** The content of a session as it is now, since its owner may go on recording; null when it was erased meanwhile. */
  async function contentNow(sessionId: string): Promise<SessionContent | null> {
    const em = database.asService();
    for (let row = await contentOf(em, sessionId); row !== null;) {
      try {
        return await contents.get(row);
      } catch (error) {
        const newer = await contentOf(em, sessionId);
        if (!(error instanceof ObjectMissingError) || newer?.contentKey === row.contentKey) throw error;
        row = newer;
      }
    }
    return null;
  }

  /** Null when it was erased meanwhile. */
  async function fileNow(ids: AttachmentIds): Promise<Readable | null> {
    try {
      return await uploads.readFile(ids);
    } catch (error) {
      if (error instanceof ObjectMissingError && (await findAttachment(database.asService(), ids)) === null)
        return null;
      throw error;
    }
  }

  /** Writes the archive. False when the account is erased: whatever lies there then came after its erasure. */
  async function writeArchive({ userId, exportId }: ArchiveName, lifetimeMs: number): Promise<boolean> {
    const em = database.asService();
    if ((await findExport(em, exportId)) === null) return false;
    const bytes = await archives.write({ userId, exportId }, entriesOf(userId, exportId));
    const readyAt = new Date();
    const expiresAt = new Date(readyAt.getTime() + lifetimeMs);
    return updateExport(em, exportId, { state: 'ready', bytes, readyAt, expiresAt });
  }

  return {
    /** @param lifetimeMs how long the archive can be fetched */
    buildExport: ({ userId, exportId, lifetimeMs }: ArchiveName & { lifetimeMs: number }): Promise<void> =>
      whileHeartbeating(async () => {
        if (!(await writeArchive({ userId, exportId }, lifetimeMs))) await archives.erase(userId);
      }),

    async endExport({ state, ...name }: ArchiveName & { state: 'failed' | 'expired' }): Promise<void> {
      await archives.delete(name);
      await updateExport(database.asService(), name.exportId, { state });
    },
  };
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
