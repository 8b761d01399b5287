import { listAttachments } from '../../db/attachments.ts';
import { findSession } from '../../db/sessions.ts';
import { z } from 'zod';
import { ApiError } from '../../domain/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { sessionParamsSchema } from '../sessions/schemas.ts';
import { listedViewOf, viewOf } from './reading.ts';
import {
  addedSchema,
  attachmentListSchema,
  attachmentParamsSchema,
  attachmentSchema,
  newAttachmentSchema,
  uploadSchema,
} from './schemas.ts';
import { addToSession, completeUpload, requireAttachment, uploadOf } from './uploading.ts';

/** Files that a person adds to a session (D3). Their bytes go between the client and object storage alone. */
export function attachmentRoutes(deps: ApiDeps): Route[] {
  const { database, uploads, workflows } = deps;

  return [
    userRoute({
      method: 'post',
      path: '/v1/sessions/{id}/attachments',
      tag: 'Sessions',
      summary: 'Add a file to a session',
      description:
        'Announces the file and answers where to send its bytes: `PUT` each part with its own request, then `POST …/complete`, within a day. Announced and kept files together may not pass what the tier may keep.',
      permission: 'session:update',
      rateClass: 'upload',
      idempotent: true,
      request: { params: sessionParamsSchema, body: newAttachmentSchema },
      status: 201,
      message: 'Send the file.',
      data: addedSchema,
      errors: ['not_found', 'file_too_large', 'too_many_attachments', 'storage_full'],
      handle: ({ params, body }, { caller, note }) => {
        note({ session_id: params.id });
        return addToSession(deps, caller, params.id, body);
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions/{id}/attachments',
      tag: 'Sessions',
      summary: 'List the files of a session',
      permission: 'session:read',
      request: { params: sessionParamsSchema },
      message: 'The attachments.',
      data: attachmentListSchema,
      errors: ['not_found'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        const em = database.asUser(caller.userId);
        if ((await findSession(em, params.id)) === null) throw new ApiError('not_found');
        const attachments = await listAttachments(em, params.id);
        return { items: await Promise.all(attachments.map((attachment) => listedViewOf(uploads, attachment))) };
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions/{id}/attachments/{attachmentId}',
      tag: 'Sessions',
      summary: 'Read what a file is, and where to download it',
      description: 'The address is good for five minutes; ask again for another one.',
      permission: 'session:read',
      request: { params: attachmentParamsSchema },
      message: 'The attachment.',
      data: attachmentSchema,
      errors: ['not_found'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        return viewOf(uploads, await requireAttachment(database, caller, idsIn(params)));
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions/{id}/attachments/{attachmentId}/upload',
      tag: 'Sessions',
      summary: 'Read which parts of a file have arrived, and where to send the others',
      description: 'Each address is good for fifteen minutes; an upload that broke off goes on from here.',
      permission: 'session:update',
      request: { params: attachmentParamsSchema },
      message: 'The upload.',
      data: uploadSchema,
      errors: ['not_found', 'upload_ended'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        return uploadOf(uploads, await requireAttachment(database, caller, idsIn(params)));
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/sessions/{id}/attachments/{attachmentId}/complete',
      tag: 'Sessions',
      summary: 'Have a file checked that was sent whole',
      description:
        'Its size, SHA-256 and type are told by its bytes, and images are written anew without metadata. The end is a numbered event of the session: `attachment_ready` or `attachment_rejected`.',
      permission: 'session:update',
      request: { params: attachmentParamsSchema },
      status: 202,
      message: 'The file is being checked.',
      data: attachmentSchema,
      errors: ['not_found', 'upload_incomplete', 'upload_ended'],
      handle: ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        return completeUpload(deps, caller, idsIn(params));
      },
    }),

    userRoute({
      method: 'delete',
      path: '/v1/sessions/{id}/attachments/{attachmentId}',
      tag: 'Sessions',
      summary: 'Delete a file for good',
      permission: 'session:update',
      request: { params: attachmentParamsSchema },
      message: 'The attachment was deleted.',
      data: z.null(),
      errors: ['not_found', 'erasure_pending'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        const ids = idsIn(params);
        await requireAttachment(database, caller, ids);
        if ((await workflows.eraseAttachment(ids, caller)) === 'pending') throw new ApiError('erasure_pending');
        return null;
      },
    }),
  ];
}

function idsIn({ id, attachmentId }: z.output<typeof attachmentParamsSchema>) {
  return { sessionId: id, attachmentId };
}
