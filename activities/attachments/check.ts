import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { findAttachment, recordStored, type Attachment } from '../../db/attachments.ts';
import type { Database } from '../../db/database.ts';
import { isImageType, type AttachmentIds, type RejectionCode } from '../../domain/attachments.ts';
import type { Uploads } from '../../integrations/uploads.ts';
import { whileHeartbeating } from '../heartbeating.ts';
import { createImages, RejectedError, type Images } from './images.ts';
import { inspect, type Inspection } from './inspect.ts';

interface CheckDeps {
  database: Database;
  uploads: Uploads;
}

/** What a check comes to: small facts, for the workflow's history. */
type Verdict =
  | { kind: 'accepted'; isImage: boolean }
  | { kind: 'rejected'; code: RejectionCode }
  /** It was deleted meanwhile. */
  | { kind: 'gone' };

/**
 * Holds a file that was sent against what its owner said of it, and keeps it where no address to upload leads any
 * more: an image is written anew, everything else is copied first and the copy is read.
 */
export function createCheckActivities({ database, uploads }: CheckDeps) {
  const images = createImages();
  const deps = { uploads, images };
  return {
    checkAttachment: (ids: AttachmentIds): Promise<Verdict> =>
      whileHeartbeating(async () => {
        const attachment = await findAttachment(database.asService(), ids);
        if (attachment === null) return { kind: 'gone' };
        if (attachment.uploadId) await uploads.joinParts(ids, attachment.uploadId);
        try {
          const { sizeBytes, sha256 } = await keep(deps, ids, attachment);
          const stored = { storedBytes: sizeBytes, storedSha256: sha256 };
          await recordStored(database.asService(), ids.attachmentId, stored);
          return { kind: 'accepted', isImage: isImageType(attachment.mediaType) };
        } catch (error) {
          if (error instanceof RejectedError) return { kind: 'rejected', code: error.code };
          throw error;
        }
      }),

    makeThumbnail: (ids: AttachmentIds): Promise<void> =>
      whileHeartbeating(async () => {
        // It may have been deleted meanwhile, and its file with it.
        if ((await findAttachment(database.asService(), ids)) === null) return;
        const file = await buffer(await uploads.readFile(ids));
        await uploads.keepThumbnail(ids, await images.thumbnailOf(file));
      }),
  };
}

interface KeepDeps {
  uploads: Uploads;
  images: Images;
}

/** Says what is kept. @throws RejectedError */
async function keep({ uploads, images }: KeepDeps, ids: AttachmentIds, attachment: Attachment): Promise<Inspection> {
  const { mediaType } = attachment;
  if (!isImageType(mediaType)) {
    await uploads.keepUpload(ids, attachment);
    return requireAsSaid(attachment, await inspect(await uploads.readFile(ids), mediaType));
  }
  const sent = await buffer(await uploads.readUpload(ids));
  requireAsSaid(attachment, await inspect(Readable.from([sent]), mediaType));
  const picture = await images.reencode(sent, mediaType);
  await uploads.keepBytes(ids, attachment, picture);
  return inspect(Readable.from([picture]), mediaType);
}

/** @throws RejectedError */
function requireAsSaid(said: Pick<Attachment, 'sizeBytes' | 'sha256'>, found: Inspection): Inspection {
  if (found.sizeBytes !== said.sizeBytes || found.sha256 !== said.sha256) throw new RejectedError('checksum_mismatch');
  if (!found.isOfType) throw new RejectedError('media_type_mismatch');
  return found;
}
