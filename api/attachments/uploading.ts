import { v7 as uuidV7 } from 'uuid';
import { addAttachment, findAttachment, recordSent, type Attachment } from '../../db/attachments.ts';
import type { Database } from '../../db/database.ts';
import { findSession } from '../../db/sessions.ts';
import { maxAttachments, mediaTypeTerms, partBytes, partsOf, type AttachmentIds } from '../../domain/attachments.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SystemConfigReader } from '../../integrations/systemConfig.ts';
import type { Uploads } from '../../integrations/uploads.ts';
import type { Logger } from '../../observability/logger.ts';
import { WorkflowEndedError, type WorkflowClient } from '../../temporal/client.ts';
import type { Caller } from '../auth/caller.ts';
import { idsOf, viewOf } from './reading.ts';
import type { AddedView, AttachmentView, NewAttachmentRequest, UploadView } from './schemas.ts';

export interface UploadingDeps {
  database: Database;
  uploads: Uploads;
  workflows: WorkflowClient;
  systemConfig: SystemConfigReader;
  logger: Logger;
}

/**
 * Announces a file, and says where to send it. What waits for the file is started first, so that nothing of it can be
 * left behind; the row comes last, and decides.
 *
 * @throws ApiError `not_found`, `file_too_large`, `too_many_attachments`, `storage_full`
 */
export async function addToSession(
  deps: UploadingDeps,
  caller: Caller,
  sessionId: string,
  file: NewAttachmentRequest,
): Promise<AddedView> {
  const { database, uploads, workflows, systemConfig } = deps;
  const { tiers } = await systemConfig.current();
  const { storageBytes, uploadBytes } = tiers[caller.tier];
  const mostBytes = Math.min(uploadBytes, mediaTypeTerms[file.mediaType].maxBytes);
  if (file.sizeBytes > mostBytes) {
    throw new ApiError('file_too_large', [{ path: 'sizeBytes', message: `may be ${mostBytes} at most` }]);
  }
  const em = database.asUser(caller.userId);
  if ((await findSession(em, sessionId)) === null) throw new ApiError('not_found');

  const ids = { sessionId, attachmentId: uuidV7() };
  await workflows.startAttachment(ids, caller);
  const uploadId = file.sizeBytes < partBytes ? null : await uploads.beginParts(ids, file.mediaType);
  const row = { ...file, id: ids.attachmentId, sessionId, userId: caller.userId, uploadId };
  const outcome = await addAttachment(em, row, { storageBytes });
  if (outcome.kind !== 'added') abandon(deps, ids);
  switch (outcome.kind) {
    case 'added': {
      const attachment = await requireAttachment(database, caller, ids);
      return { attachment: await viewOf(uploads, attachment), upload: await uploadOf(uploads, attachment) };
    }
    case 'no_session':
      throw new ApiError('not_found');
    case 'too_many':
      throw new ApiError('too_many_attachments', [{ path: 'id', message: `has ${maxAttachments} attachments` }]);
    case 'storage_full': {
      const free = Math.max(0, storageBytes - outcome.usedBytes);
      const message = `is more than the ${free} bytes that are free of ${storageBytes}`;
      throw new ApiError('storage_full', [{ path: 'sizeBytes', message }]);
    }
  }
}

/** The client is told at once; this goes on behind the answer, and what fails is cleared up when the upload's time is over. */
function abandon({ workflows, logger }: UploadingDeps, { sessionId, attachmentId }: AttachmentIds): void {
  workflows.abandonAttachment(attachmentId).catch((error: unknown) => {
    logger.warn({ session_id: sessionId, error }, 'an attachment that was refused is cleared up later');
  });
}

/** @throws ApiError `not_found`, whether it never was, is gone, or is somebody else's */
export async function requireAttachment(database: Database, caller: Caller, ids: AttachmentIds): Promise<Attachment> {
  const attachment = await findAttachment(database.asUser(caller.userId), ids);
  if (attachment === null) throw new ApiError('not_found');
  return attachment;
}

/**
 * What of the file has arrived, and where the rest is to be sent.
 *
 * @throws ApiError `upload_ended`
 */
export async function uploadOf(uploads: Uploads, attachment: Attachment): Promise<UploadView> {
  const { sizeBytes, status, uploadId } = attachment;
  const ids = idsOf(attachment);
  if (status !== 'uploading') throw new ApiError('upload_ended');
  if (!uploadId) {
    const received = await uploads.hasWhole(ids);
    const request = received ? null : await uploads.requestForWhole(ids, attachment);
    return { parts: [{ number: 1, sizeBytes, received, request }] };
  }
  const arrived = await uploads.receivedParts(ids, uploadId);
  if (arrived === null) throw new ApiError('upload_ended');
  const parts = partsOf(sizeBytes).map(async (part) => {
    const received = arrived.includes(part.number);
    return { ...part, received, request: received ? null : await uploads.requestForPart(ids, uploadId, part) };
  });
  return { parts: await Promise.all(parts) };
}

/**
 * Has a file checked that was sent whole. Saying so twice has it checked once.
 *
 * @throws ApiError `upload_incomplete`, naming the parts that are missing; `upload_ended`
 */
export async function completeUpload(
  { database, uploads, workflows }: UploadingDeps,
  caller: Caller,
  ids: AttachmentIds,
): Promise<AttachmentView> {
  const attachment = await requireAttachment(database, caller, ids);
  if (attachment.status === 'expired') throw new ApiError('upload_ended');
  if (attachment.status === 'uploading') {
    const { parts } = await uploadOf(uploads, attachment);
    const missing = parts.filter(({ received }) => !received);
    if (missing.length > 0) {
      const details = missing.map(({ number }) => ({ path: `parts.${number}`, message: 'has not arrived' }));
      throw new ApiError('upload_incomplete', details);
    }
    await recordSent(database.asUser(caller.userId), ids.attachmentId);
  }
  // Also when it was recorded before: then the call that should have followed may have failed.
  if (attachment.status === 'uploading' || attachment.status === 'checking') await startCheck(workflows, ids);
  return viewOf(uploads, await requireAttachment(database, caller, ids));
}

async function startCheck(workflows: WorkflowClient, { attachmentId }: AttachmentIds): Promise<void> {
  try {
    await workflows.checkAttachment(attachmentId);
  } catch (error) {
    if (error instanceof WorkflowEndedError) throw new ApiError('upload_ended', [], { cause: error });
    throw error;
  }
}
