import type { Attachment } from '../../db/attachments.ts';
import { isImageType, type AttachmentIds } from '../../domain/attachments.ts';
import { errorTable } from '../../domain/errors.ts';
import type { Uploads } from '../../integrations/uploads.ts';
import type { AttachmentView } from './schemas.ts';

/** By which an attachment is found outside of its table: in object storage and in Temporal. */
export function idsOf({ id, sessionId }: Pick<Attachment, 'id' | 'sessionId'>): AttachmentIds {
  return { sessionId, attachmentId: id };
}

/** An attachment as its owner reads it, with where its file lies. */
export async function viewOf(uploads: Uploads, attachment: Attachment): Promise<AttachmentView> {
  const file = attachment.status === 'ready' ? await uploads.downloadOf(idsOf(attachment), 'file') : null;
  return { ...(await listedViewOf(uploads, attachment)), file };
}

/** The same in a list: with its thumbnail, which a list is looked at for, and without its file. */
export async function listedViewOf(uploads: Uploads, attachment: Attachment): Promise<AttachmentView> {
  const { id, sessionId, fileName, mediaType, sizeBytes, sha256, status } = attachment;
  const isReady = status === 'ready';
  return {
    ...{ id, sessionId, fileName, mediaType, sizeBytes, sha256, status },
    rejection: rejectionOf(attachment),
    stored: isReady ? storedOf(attachment) : null,
    file: null,
    thumbnail: isReady && isImageType(mediaType) ? await uploads.downloadOf(idsOf(attachment), 'thumbnail') : null,
    createdAt: attachment.createdAt.toISOString(),
    endedAt: attachment.endedAt?.toISOString() ?? null,
  };
}

function rejectionOf({ rejection }: Attachment): AttachmentView['rejection'] {
  if (!rejection) return null;
  const { message, help } = errorTable[rejection];
  return { code: rejection, message, help };
}

function storedOf({ storedBytes, storedSha256 }: Attachment): AttachmentView['stored'] {
  if (typeof storedBytes !== 'number' || typeof storedSha256 !== 'string') return null;
  return { sizeBytes: storedBytes, sha256: storedSha256 };
}
