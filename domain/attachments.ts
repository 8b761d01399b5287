import type { ErrorCode } from './errors.ts';
import { dayMs, minuteMs } from './time.ts';

/** Files that a person adds to a session: what may be added, how it is sent, and what can become of it. */

/**
 * - `uploading`: its bytes are on their way from the client to object storage.
 * - `checking`: all of it was sent, and is being held against what was said of it.
 * - `ready`: it can be downloaded. `rejected`: it was not what was said of it. `expired`: it was never sent whole.
 */
export const attachmentStatuses = ['uploading', 'checking', 'ready', 'rejected', 'expired'] as const;
export type AttachmentStatus = (typeof attachmentStatuses)[number];
export type AttachmentEnd = 'ready' | 'rejected' | 'expired';

/** Why an attachment was rejected, by the code of the errors table that says it to its owner. */
export const rejectionCodes = [
  'checksum_mismatch',
  'media_type_mismatch',
  'image_unreadable',
  'image_too_large',
  'internal',
] as const satisfies readonly ErrorCode[];
export type RejectionCode = (typeof rejectionCodes)[number];

/** Names an attachment, and is all that a workflow's history knows of it. */
export interface AttachmentIds {
  sessionId: string;
  attachmentId: string;
}

const mebibyte = 1_024 ** 2;

/** The most that any tier may send as one file. */
export const maxUploadBytes = 200 * mebibyte;
/** An image is unpacked in the memory of a worker, and text is read by people. */
const [maxImageBytes, maxTextBytes] = [50 * mebibyte, 10 * mebibyte];

/** What may be added. */
export const mediaTypes = [
  'image/png',
  'image/jpeg',
  'image/webp',
  'audio/mp4',
  'audio/mpeg',
  'audio/ogg',
  'audio/wav',
  'audio/webm',
  'application/pdf',
  'text/plain',
] as const;
export type MediaType = (typeof mediaTypes)[number];
export type ImageType = Extract<MediaType, `image/${string}`>;

interface MediaTypeTerms {
  maxBytes: number;
  /** A file whose name has none of them is given the first. */
  extensions: readonly [string, ...string[]];
}

export const mediaTypeTerms: Record<MediaType, MediaTypeTerms> = {
  'image/png': { maxBytes: maxImageBytes, extensions: ['png'] },
  'image/jpeg': { maxBytes: maxImageBytes, extensions: ['jpg', 'jpeg'] },
  'image/webp': { maxBytes: maxImageBytes, extensions: ['webp'] },
  'audio/mp4': { maxBytes: maxUploadBytes, extensions: ['m4a', 'mp4'] },
  'audio/mpeg': { maxBytes: maxUploadBytes, extensions: ['mp3'] },
  'audio/ogg': { maxBytes: maxUploadBytes, extensions: ['ogg', 'oga', 'opus'] },
  'audio/wav': { maxBytes: maxUploadBytes, extensions: ['wav'] },
  'audio/webm': { maxBytes: maxUploadBytes, extensions: ['webm', 'weba'] },
  'application/pdf': { maxBytes: maxUploadBytes, extensions: ['pdf'] },
  'text/plain': { maxBytes: maxTextBytes, extensions: ['txt', 'text', 'md', 'csv'] },
};

/** Images are written anew and get a thumbnail; nothing else does. */
export function isImageType(mediaType: MediaType): mediaType is ImageType {
  return mediaType.startsWith('image/');
}

/** Every attachment is a workflow and a line of the session's list, so a session has no more of them than this. */
export const maxAttachments = 50;

/** How long a client has from the start of an upload until it must be complete. */
export const uploadLimitMs = dayMs;
/** How long an address to upload to is good; another one is given as often as it is asked for. */
export const uploadUrlMs = 15 * minuteMs;
/** How long an address to download from is good. */
export const downloadUrlMs = 5 * minuteMs;

/** From this size on a file is sent in parts of it, so that a broken line costs one part. S3 wants 5 MiB at the least. */
export const partBytes = 8 * mebibyte;

export interface Part {
  /** From 1, in the order of the file. */
  number: number;
  sizeBytes: number;
}

/** How a file is cut: every part but the last one has `partBytes`. */
export function partsOf(sizeBytes: number): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    sizeBytes: Math.min(partBytes, sizeBytes - index * partBytes),
  }));
}

/** The name under which a file is saved: one that ends as its type does, so that no computer takes it for a program. */
export function savedNameOf(fileName: string, mediaType: MediaType): string {
  const { extensions } = mediaTypeTerms[mediaType];
  const extension = fileName.slice(fileName.lastIndexOf('.') + 1).toLowerCase();
  return extensions.includes(extension) ? fileName : `${fileName}.${extensions[0]}`;
}
