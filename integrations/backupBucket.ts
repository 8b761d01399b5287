import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  NotFound,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ObjectMissingError } from './objectStore.ts';
import { openStorage, type StorageAddress } from './storageClient.ts';

/** A bucket as a backup reads and writes it: objects as they lie there, whatever they are. */
export interface Bucket {
  readonly name: string;
  /** Creates the bucket where it is missing. */
  ensure(): Promise<void>;
  /** Everything under the prefix in the order of the keys, a page at a time; `after` is a key to go on behind. */
  pages(prefix: string, after?: string): AsyncGenerator<ListedObject[]>;
  /** @throws ObjectMissingError */
  get(key: string): Promise<StoredObject>;
  /** Stores what the stream brings, in parts; a stream that fails leaves nothing. */
  put(key: string, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, headers?: ObjectHeaders): Promise<void>;
  has(key: string): Promise<boolean>;
  /** Removes these; one that is not there is no error. */
  delete(keys: readonly string[]): Promise<void>;
  /** Ends uploads under the prefix that a process which died has left open. */
  abandonUploads(prefix: string): Promise<void>;
  /** Removes the bucket with all that is in it; one that is not there is no error. */
  drop(): Promise<void>;
  close(): void;
}

export interface ListedObject {
  key: string;
  /** Another one after each change of the object. */
  etag: string;
  bytes: number;
}

export interface StoredObject {
  body: Readable;
  etag: string;
  bytes: number;
  headers: ObjectHeaders;
}

/** What is stored beside an object's bytes. */
export interface ObjectHeaders {
  contentType?: string | undefined;
  contentDisposition?: string | undefined;
  cacheControl?: string | undefined;
}

/** A part of an upload. There can be 10,000, so an object may have 320 GB. */
const partBytes = 32 * 1024 ** 2;
/** The most that can be deleted at once. */
const keysInRequest = 1_000;

/** Nothing is connected before the first call. */
export function openBucket(name: string, address: StorageAddress): Bucket {
  const client = openStorage(address);
  const Bucket = name;

  async function* pages(prefix: string, after?: string): AsyncGenerator<ListedObject[]> {
    let startAfter = after;
    for (;;) {
      const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, StartAfter: startAfter }));
      const objects = (page.Contents ?? []).map(({ Key = '', ETag = '', Size = 0 }) => ({
        key: Key,
        etag: ETag,
        bytes: Size,
      }));
      if (objects.length > 0) yield objects;
      startAfter = objects.at(-1)?.key;
      if (page.IsTruncated !== true || startAfter === undefined) return;
    }
  }

  async function deleteAll(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += keysInRequest) {
      const Objects = keys.slice(at, at + keysInRequest).map((Key) => ({ Key }));
      const { Errors: refused = [] } = await client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
      );
      if (refused.length > 0) {
        throw new Error(`${refused.length} objects could not be deleted: ${refused[0]?.Code ?? ''}`);
      }
    }
  }

  return {
    name,
    async ensure() {
      try {
        await client.send(new CreateBucketCommand({ Bucket }));
      } catch (error) {
        if (!named(error, 'BucketAlreadyOwnedByYou')) throw error;
      }
    },
    pages,
    async get(key) {
      const object = await client.send(new GetObjectCommand({ Bucket, Key: key })).catch((error: unknown) => {
        if (named(error, 'NoSuchKey')) throw new ObjectMissingError(`There is no object ${key}.`, { cause: error });
        throw error;
      });
      if (!isReadable(object.Body)) throw new ObjectMissingError(`The object ${key} has no body.`);
      return {
        body: object.Body,
        etag: object.ETag ?? '',
        bytes: object.ContentLength ?? 0,
        headers: {
          contentType: object.ContentType,
          contentDisposition: object.ContentDisposition,
          cacheControl: object.CacheControl,
        },
      };
    },
    async put(key, body, { contentType, contentDisposition, cacheControl } = {}) {
      const upload = new Upload({
        client,
        params: {
          Bucket,
          Key: key,
          Body: Readable.from(body, { objectMode: false }),
          ContentType: contentType,
          ContentDisposition: contentDisposition,
          CacheControl: cacheControl,
        },
        partSize: partBytes,
        queueSize: 1,
      });
      await upload.done();
    },
    async has(key) {
      try {
        await client.send(new HeadObjectCommand({ Bucket, Key: key }));
        return true;
      } catch (error) {
        if (error instanceof NotFound) return false;
        throw error;
      }
    },
    delete: deleteAll,
    async abandonUploads(prefix) {
      const { Uploads: open = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix }));
      for (const { Key, UploadId } of open) {
        await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch((error: unknown) => {
          if (!named(error, 'NoSuchUpload')) throw error;
        });
      }
    },
    async drop() {
      try {
        for await (const page of pages('')) await deleteAll(page.map(({ key }) => key));
        await client.send(new DeleteBucketCommand({ Bucket }));
      } catch (error) {
        if (!named(error, 'NoSuchBucket')) throw error;
      }
    },
    close() {
      client.destroy();
    },
  };
}

function named(error: unknown, name: string): boolean {
  return error instanceof S3ServiceException && error.name === name;
}

/** On Node a body is a stream; the SDK's type names the bodies of browsers as well. */
function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
