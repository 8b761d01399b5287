import { z } from 'zod';
import { attachmentStatuses, maxUploadBytes, mediaTypes, rejectionCodes } from '../../domain/attachments.ts';

/** What clients send and read of attachments. */

export const attachmentParamsSchema = z.object({ id: z.uuid(), attachmentId: z.uuid() });

/** No path, and nothing that a screen shows as something else than it is: control and direction characters. */
const nameForm = /^[^/\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u;

/** The same for the document, without the rare of them: few clients know classes of Unicode in an expression. */
const documentedNameForm = String.raw`^[^/\\\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e]+$`;

export const newAttachmentSchema = z
  .strictObject({
    fileName: z
      .string()
      .min(1)
      .max(200)
      .refine((name) => nameForm.test(name), 'must be a file name: no slashes, no invisible characters')
      .meta({
        description: 'What the file is called when it is downloaded: no slashes, no invisible characters.',
        pattern: documentedNameForm,
      }),
    mediaType: z.enum(mediaTypes),
    sizeBytes: z.int().min(1).max(maxUploadBytes),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits in lower case')
      .describe('Of the whole file.'),
  })
  .meta({ id: 'NewAttachment' });
export type NewAttachmentRequest = z.output<typeof newAttachmentSchema>;

const downloadSchema = z
  .object({ url: z.url(), expiresAt: z.iso.datetime() })
  .meta({ id: 'Download', description: 'An address that anybody may fetch it from until it expires.' });

export const attachmentSchema = z
  .object({
    id: z.uuid(),
    sessionId: z.uuid(),
    fileName: z.string(),
    mediaType: z.enum(mediaTypes),
    sizeBytes: z.int().describe('As it was sent.'),
    sha256: z.string().describe('As it was sent.'),
    status: z.enum(attachmentStatuses),
    rejection: z
      .object({ code: z.enum(rejectionCodes), message: z.string(), help: z.string() })
      .nullable()
      .describe('Why it was rejected.'),
    stored: z
      .object({ sizeBytes: z.int(), sha256: z.string() })
      .nullable()
      .describe(
        'What can be downloaded, once it is ready: an image is written anew, without what it said beside its picture.',
      ),
    file: downloadSchema.nullable().describe('Null in lists, and before it is ready.'),
    thumbnail: downloadSchema.nullable().describe('Of an image: a WebP of at most 320 × 320 pixels.'),
    createdAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Attachment' });
export type AttachmentView = z.input<typeof attachmentSchema>;

export const attachmentListSchema = z.object({ items: z.array(attachmentSchema).describe('Oldest first.') });

const requestSchema = z.object({
  method: z.literal('PUT'),
  url: z.url(),
  headers: z.record(z.string(), z.string()).describe('To be sent as they are, and no other `Content-Type`.'),
  expiresAt: z.iso.datetime(),
});

export const uploadSchema = z
  .object({
    parts: z
      .array(
        z.object({
          number: z.int().min(1),
          sizeBytes: z
            .int()
            .min(1)
            .describe('How many bytes of the file it has; parts follow each other without gaps.'),
          received: z.boolean(),
          request: requestSchema.nullable().describe('How to send it; null when it was received.'),
        }),
      )
      .describe('One part for a small file, parts of 8 MiB for a larger one; in any order, also at once.'),
  })
  .meta({ id: 'Upload' });
export type UploadView = z.input<typeof uploadSchema>;

export const addedSchema = z.object({ attachment: attachmentSchema, upload: uploadSchema });
export type AddedView = z.input<typeof addedSchema>;
