import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3ServiceException,
  type ObjectIdentifier,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Readable } from 'node:stream';
import type { MasterKey } from '../domain/encryption.ts';
import { keyIdOf, seal, unseal } from './sealing.ts';
import { openSigner, openStorage, type StorageAddress } from './storageClient.ts';

export { ObjectCorruptError } from './sealing.ts';

/** Thrown when there is no object of this key. */
export class ObjectMissingError extends Error {
  override readonly name = 'ObjectMissingError';
}

/** Object storage (D3). What goes in is sealed in this process, so the storage never sees Restricted content (I5). */
export interface ObjectStore {
  /** Creates the bucket where it is missing. */
  ensureBucket(): Promise<void>;
  /** @param owner seals in place of the master key, where what is stored is somebody's */
  putSealed(key: string, bytes: Uint8Array, owner?: MasterKey): Promise<void>;
  /**
   * @param findKey finds the key that a piece names which no master key sealed
   * @throws ObjectMissingError, ObjectCorruptError
   */
  getSealed(key: string, findKey?: FindKey): Promise<Uint8Array>;
  /** Stores what a stream brings, in parts, so that its length need not be known. It is not sealed. */
  putStream(key: string, stream: Readable, contentType: string): Promise<void>;
  /** An address that anybody can fetch the object from for five minutes, as a download of this name. */
  link(key: string, fileName: string): Promise<string>;
  /** Removes the object; one that is not there is no error. A bucket with versions keeps the old ones. */
  delete(key: string): Promise<void>;
  /** Removes everything under the prefix, every version included, and says how many objects and versions that were. */
  deletePrefix(prefix: string): Promise<number>;
  /** Rejects when the bucket cannot be reached. */
  check(): Promise<void>;
  close(): void;
}

/** How long a link to an object holds: long enough to begin the download. */
const linkLifetimeSeconds = 300;

type FindKey = (keyId: string) => Promise<MasterKey | undefined>;

export interface ObjectStoreOptions extends StorageAddress {
  bucket: string;
  /** The first seals, all open. */
  masterKeys: readonly MasterKey[];
}

/** Nothing is connected before the first call; the first of the keys seals, all of them open. */
export function createObjectStore({ bucket, masterKeys, ...address }: ObjectStoreOptions): ObjectStore {
  const client = openStorage(address);
  const signer = openSigner(address);

  /** One page of what lies under a prefix; every version of it where the storage can tell versions. */
  async function listPage(prefix: string): Promise<ObjectIdentifier[]> {
    try {
      const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }));
      return [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) =>
        VersionId === undefined ? { Key } : { Key, VersionId },
      );
    } catch (error) {
      if (!(error instanceof S3ServiceException) || error.name !== 'NotImplemented') throw error;
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      return (page.Contents ?? []).map(({ Key }) => ({ Key }));
    }
  }

  async function deleteAll(objects: ObjectIdentifier[]): Promise<void> {
    const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } });
    const { Errors: refused = [] } = await client.send(command);
    if (refused.length > 0) {
      throw new Error(`${refused.length} objects could not be deleted: ${refused[0]?.Code ?? 'no reason given'}`);
    }
  }

  return {
    async ensureBucket() {
      try {
        await client.send(new CreateBucketCommand({ Bucket: bucket }));
      } catch (error) {
        if (!(error instanceof S3ServiceException) || error.name !== 'BucketAlreadyOwnedByYou') throw error;
      }
    },
    async putSealed(key, bytes, owner) {
      const sealed = await seal(bytes, key, owner === undefined ? masterKeys : [owner]);
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: sealed }));
    },
    async getSealed(key, findKey) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
        if (error instanceof S3ServiceException && error.name === 'NoSuchKey') {
          throw new ObjectMissingError(`There is no object ${key}.`, { cause: error });
        }
        throw error;
      });
      if (Body === undefined) throw new ObjectMissingError(`The object ${key} has no body.`);
      const sealed = await Body.transformToByteArray();
      const owner = await findKey?.(keyIdOf(sealed) ?? '');
      return unseal(sealed, key, owner === undefined ? masterKeys : [owner]);
    },
    async putStream(key, stream, contentType) {
      const params = { Bucket: bucket, Key: key, Body: stream, ContentType: contentType };
      await new Upload({ client, params, queueSize: 2 }).done();
    },
    link: (key, fileName) =>
      getSignedUrl(
        signer,
        new GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ResponseContentDisposition: `attachment; filename="${fileName}"`,
          ResponseCacheControl: 'private, no-store',
        }),
        { expiresIn: linkLifetimeSeconds },
      ),
    async delete(key) {
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      } catch (error) {
        // A storage may say so when two delete the same object at the same moment.
        if (!(error instanceof S3ServiceException) || error.name !== 'NoSuchKey') throw error;
      }
    },
    async deletePrefix(prefix) {
      // An empty prefix would empty the bucket.
      if (prefix === '') throw new Error('Deleting needs a prefix.');
      let deleted = 0;
      // What was deleted is not listed again, so the first page is the next one.
      for (let page = await listPage(prefix); page.length > 0; page = await listPage(prefix)) {
        await deleteAll(page);
        deleted += page.length;
      }
      return deleted;
    },
    async check() {
      await client.send(new HeadBucketCommand({ Bucket: bucket }));
    },
    close() {
      client.destroy();
      signer.destroy();
    },
  };
}
