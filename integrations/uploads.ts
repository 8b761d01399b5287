import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCorsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  NotFound,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
  type CompletedPart,
  type ServerSideEncryption,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { create as contentDisposition } from 'content-disposition';
import {
  downloadUrlMs,
  savedNameOf,
  uploadUrlMs,
  type AttachmentIds,
  type MediaType,
  type Part,
} from '../domain/attachments.ts';
import { dayMs, secondMs } from '../domain/time.ts';
import { ObjectMissingError, type ObjectStore } from './objectStore.ts';
import { sessionFolder } from './sessionContent.ts';
import { openSigner, openStorage, type StorageAddress } from './storageClient.ts';

/**
 * The files of attachments in object storage. Clients send and fetch them there themselves, by addresses that are
 * signed for one method, one key and a short time. Every key is made of ids alone, and no address says what a person
 * calls a file.
 */
export interface Uploads {
  /** Begins an upload in parts, and returns what the storage knows it by. */
  beginParts(ids: AttachmentIds, mediaType: MediaType): Promise<string>;
  /** Where a client sends a file as one. The storage takes these very bytes and no others. */
  requestForWhole(ids: AttachmentIds, file: NamedFile): Promise<UploadRequest>;
  /** Where a client sends a part. The storage takes a part of this length and no other. */
  requestForPart(ids: AttachmentIds, uploadId: string, part: Part): Promise<UploadRequest>;
  /** Whether a file that is sent as one has arrived. */
  hasWhole(ids: AttachmentIds): Promise<boolean>;
  /** The numbers of the parts that have arrived; null when the storage does not know the upload (any more). */
  receivedParts(ids: AttachmentIds, uploadId: string): Promise<number[] | null>;
  /** Makes one file of the parts; again is no error. */
  joinParts(ids: AttachmentIds, uploadId: string): Promise<void>;
  /** What was sent. @throws ObjectMissingError */
  readUpload(ids: AttachmentIds): Promise<Readable>;
  /** What is kept. @throws ObjectMissingError */
  readFile(ids: AttachmentIds): Promise<Readable>;
  /** Keeps what was sent, as it is, where no client can write any more. */
  keepUpload(ids: AttachmentIds, file: NamedFile): Promise<void>;
  /** Keeps these bytes in the place of what was sent. */
  keepBytes(ids: AttachmentIds, file: NamedFile, bytes: Uint8Array): Promise<void>;
  keepThumbnail(ids: AttachmentIds, bytes: Uint8Array): Promise<void>;
  /** Where a client fetches the file, or its thumbnail. */
  downloadOf(ids: AttachmentIds, what: 'file' | 'thumbnail'): Promise<Download>;
  /** Removes what was sent, in whatever state, and leaves what is kept. */
  removeUpload(ids: AttachmentIds): Promise<void>;
  /** Removes everything of an attachment. */
  remove(ids: AttachmentIds): Promise<void>;
  /** Ends every upload in parts of a session; whole files lie in the session's folder and go with it. */
  abandonUploads(sessionId: string): Promise<void>;
  /** Lets web pages of these origins send and fetch files, and of no others. */
  allowOrigins(origins: readonly string[]): Promise<void>;
  close(): void;
}

/** What is said of a file beside its bytes. */
export interface NamedFile {
  fileName: string;
  mediaType: MediaType;
  sizeBytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** A request that a client makes as it stands, with the bytes as its body. */
export interface UploadRequest {
  method: 'PUT';
  url: string;
  headers: Record<string, string>;
  /** ISO 8601, UTC. */
  expiresAt: string;
}

export interface Download {
  url: string;
  /** ISO 8601, UTC. */
  expiresAt: string;
}

export interface UploadsOptions extends StorageAddress {
  bucket: string;
  /** The bucket's own setting unless given. */
  serverSideEncryption?: ServerSideEncryption | undefined;
  objects: Pick<ObjectStore, 'deletePrefix'>;
}

const encryptionHeader = 'x-amz-server-side-encryption';
const checksumHeader = 'x-amz-checksum-sha256';

/** Signs addresses without a call; files go past this process. */
export function createUploads({ bucket: Bucket, serverSideEncryption, objects, ...address }: UploadsOptions): Uploads {
  const client = openStorage(address);
  const signer = openSigner(address);
  const encryption = serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption };

  function at(ids: AttachmentIds, what: 'upload' | 'file' | 'thumbnail') {
    return { Bucket, Key: `${attachmentFolder(ids)}${what}` };
  }

  /** What the browser is told of a kept file: it is saved under its name, and never shown inside a page. */
  function keptAs({ fileName, mediaType }: Pick<NamedFile, 'fileName' | 'mediaType'>) {
    const disposition = contentDisposition(savedNameOf(fileName, mediaType));
    return { ContentType: mediaType, ContentDisposition: disposition, CacheControl: 'private', ...encryption };
  }

  async function read(ids: AttachmentIds, what: 'upload' | 'file'): Promise<Readable> {
    const key = at(ids, what);
    const { Body } = await client.send(new GetObjectCommand(key)).catch((error: unknown) => {
      if (named(error, 'NoSuchKey')) throw new ObjectMissingError(`There is no object ${key.Key}.`, { cause: error });
      throw error;
    });
    if (!isReadable(Body)) throw new ObjectMissingError(`The object ${key.Key} has no body.`);
    return Body;
  }

  async function listParts(ids: AttachmentIds, UploadId: string): Promise<CompletedPart[] | null> {
    try {
      const { Parts = [] } = await client.send(new ListPartsCommand({ ...at(ids, 'upload'), UploadId }));
      return Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    } catch (error) {
      if (named(error, 'NoSuchUpload')) return null;
      throw error;
    }
  }

  async function abortUnder(Prefix: string): Promise<void> {
    // What was aborted is not listed again, so the first page is the next one.
    for (;;) {
      const { Uploads: open = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }));
      if (open.length === 0) return;
      for (const { Key, UploadId } of open) {
        await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch((error: unknown) => {
          if (!named(error, 'NoSuchUpload')) throw error;
        });
      }
    }
  }

  return {
    async beginParts(ids, mediaType) {
      const begin = { ...at(ids, 'upload'), ContentType: mediaType, ...encryption };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(begin));
      if (UploadId === undefined) throw new Error('The storage began an upload without naming it');
      return UploadId;
    },

    async requestForWhole(ids, { mediaType, sizeBytes, sha256 }) {
      const checksum = Buffer.from(sha256, 'hex').toString('base64');
      const command = new PutObjectCommand({
        ...at(ids, 'upload'),
        ContentType: mediaType,
        ContentLength: sizeBytes,
        ChecksumSHA256: checksum,
        ...encryption,
      });
      const url = await getSignedUrl(signer, command, {
        expiresIn: uploadUrlMs / secondMs,
        signableHeaders: new Set(['content-type', 'content-length']),
        // A header that moved into the address would not hold the bytes to it.
        unhoistableHeaders: new Set([checksumHeader, encryptionHeader]),
      });
      const headers = {
        'Content-Type': mediaType,
        [checksumHeader]: checksum,
        ...(serverSideEncryption === undefined ? {} : { [encryptionHeader]: serverSideEncryption }),
      };
      return { method: 'PUT', url, headers, expiresAt: inMs(uploadUrlMs) };
    },

    async requestForPart(ids, UploadId, { number, sizeBytes }) {
      const part = { ...at(ids, 'upload'), UploadId, PartNumber: number, ContentLength: sizeBytes };
      const url = await getSignedUrl(signer, new UploadPartCommand(part), {
        expiresIn: uploadUrlMs / secondMs,
        signableHeaders: new Set(['content-length']),
      });
      return { method: 'PUT', url, headers: {}, expiresAt: inMs(uploadUrlMs) };
    },

    async hasWhole(ids) {
      try {
        await client.send(new HeadObjectCommand(at(ids, 'upload')));
        return true;
      } catch (error) {
        if (error instanceof NotFound) return false;
        throw error;
      }
    },

    async receivedParts(ids, uploadId) {
      const parts = await listParts(ids, uploadId);
      return parts && parts.flatMap(({ PartNumber }) => PartNumber ?? []);
    },

    async joinParts(ids, UploadId) {
      const Parts = await listParts(ids, UploadId);
      // An attempt before this one has joined them; that nothing was joined shows when the file is read.
      if (Parts === null) return;
      const join = { ...at(ids, 'upload'), UploadId, MultipartUpload: { Parts } };
      await client.send(new CompleteMultipartUploadCommand(join));
    },

    readUpload: (ids) => read(ids, 'upload'),
    readFile: (ids) => read(ids, 'file'),

    async keepUpload(ids, file) {
      const { Key } = at(ids, 'upload');
      const copy = { ...at(ids, 'file'), CopySource: `${Bucket}/${Key}`, MetadataDirective: 'REPLACE' as const };
      await client.send(new CopyObjectCommand({ ...copy, ...keptAs(file) }));
    },
    async keepBytes(ids, file, bytes) {
      await client.send(new PutObjectCommand({ ...at(ids, 'file'), Body: bytes, ...keptAs(file) }));
    },
    async keepThumbnail(ids, bytes) {
      const kept = keptAs({ fileName: 'thumbnail', mediaType: 'image/webp' });
      await client.send(new PutObjectCommand({ ...at(ids, 'thumbnail'), Body: bytes, ...kept }));
    },

    async downloadOf(ids, what) {
      const url = await getSignedUrl(signer, new GetObjectCommand(at(ids, what)), {
        expiresIn: downloadUrlMs / secondMs,
      });
      return { url, expiresAt: inMs(downloadUrlMs) };
    },

    async removeUpload(ids) {
      const { Key } = at(ids, 'upload');
      await abortUnder(Key);
      await objects.deletePrefix(Key);
    },
    async remove(ids) {
      await abortUnder(attachmentFolder(ids));
      await objects.deletePrefix(attachmentFolder(ids));
    },
    abandonUploads: (sessionId) => abortUnder(sessionFolder(sessionId)),

    async allowOrigins(origins) {
      if (origins.length === 0) {
        await client.send(new DeleteBucketCorsCommand({ Bucket }));
        return;
      }
      const rule = {
        AllowedOrigins: [...origins],
        AllowedMethods: ['GET', 'PUT'],
        AllowedHeaders: ['content-type', checksumHeader, encryptionHeader],
        MaxAgeSeconds: dayMs / secondMs,
      };
      await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } }));
    },

    close() {
      client.destroy();
      signer.destroy();
    },
  };
}

function attachmentFolder({ sessionId, attachmentId }: AttachmentIds): string {
  return `${sessionFolder(sessionId)}attachments/${attachmentId}/`;
}

function named(error: unknown, name: string): boolean {
  return error instanceof S3ServiceException && error.name === name;
}

/** On Node a body is a stream; the SDK's type names the bodies of browsers as well. */
function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
