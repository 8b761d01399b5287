import { PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { ObjectStore } from './objectStore.ts';

/** A file of an archive. */
export interface ArchiveEntry {
  path: string;
  /** A text, or the bytes of a file as they come. */
  content: string | Readable;
}

/** Which archive, and whose. */
export interface ArchiveName {
  userId: string;
  exportId: string;
}

/**
 * The archives that people fetch of their own data. They are not sealed by us, since they are fetched from object
 * storage itself, by a link that holds for minutes; they lie there for days.
 */
export interface AccountArchives {
  /** Writes the archive as its entries come, and says how many bytes it has. */
  write(name: ArchiveName, entries: AsyncIterable<ArchiveEntry>): Promise<number>;
  /** An address that it can be fetched from for a while. */
  link(name: ArchiveName): Promise<string>;
  delete(name: ArchiveName): Promise<void>;
  /** Removes every archive of a person. */
  erase(userId: string): Promise<void>;
}

/** Archives are sealed by the storage alone, since their owner fetches them from there. */
export function createAccountArchives(objects: ObjectStore): AccountArchives {
  return {
    async write(name, entries) {
      const zip = new ZipFile();
      let bytes = 0;
      const counted = new PassThrough({
        transform(chunk: Uint8Array, _encoding, done) {
          bytes += chunk.byteLength;
          done(null, chunk);
        },
      });
      // A file that breaks off while it is read breaks the archive off.
      zip.on('error', (error: Error) => counted.destroy(error));
      zip.outputStream.pipe(counted);
      const stored = objects.putStream(keyOf(name), counted, 'application/zip');
      try {
        // Storing ends early only by failing, and then nobody takes the entry up.
        for await (const entry of entries) await Promise.race([addEntry(zip, entry), stored]);
        zip.end();
      } catch (error) {
        counted.destroy(error instanceof Error ? error : new Error('The archive could not be made'));
        await stored.catch(() => undefined);
        throw error;
      }
      await stored;
      return bytes;
    },
    link: (name) => objects.link(keyOf(name), `mindpeeker-${name.exportId}.zip`),
    delete: (name) => objects.delete(keyOf(name)),
    async erase(userId) {
      await objects.deletePrefix(folderOf(userId));
    },
  };
}

/** Resolves once the entry has been taken up, so that no more than one is in memory. */
function addEntry(zip: ZipFile, { path, content }: ArchiveEntry): Promise<void> {
  return new Promise((resolve, reject) => {
    const isText = typeof content === 'string';
    const entry = isText ? Readable.from([Buffer.from(content)]) : content;
    entry.once('error', reject);
    entry.once('close', resolve);
    // Pictures and sounds are compressed already.
    zip.addReadStream(entry, path, { mtime: new Date(), compress: isText });
  });
}

function folderOf(userId: string): string {
  return `exports/${userId}/`;
}

function keyOf({ userId, exportId }: ArchiveName): string {
  return `${folderOf(userId)}${exportId}.zip`;
}
