import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  maxAttachments,
  type AttachmentEnd,
  type AttachmentIds,
  type AttachmentStatus,
  type MediaType,
  type RejectionCode,
} from '../domain/attachments.ts';
import type { RecordedEvent } from '../domain/events.ts';
import { recordedEventOf, type EventRow } from './eventRow.ts';
import { ownRows, timestamp } from './rowSecurity.ts';

/** A file that a person adds to a session; its bytes lie in object storage. It goes with the session. */
export const Attachment = defineEntity({
  name: 'Attachment',
  tableName: 'attachments',
  indexes: [
    { name: 'attachments_session', properties: ['sessionId', 'createdAt', 'id'] },
    { name: 'attachments_user', properties: ['userId'] },
  ],
  properties: {
    id: p.uuid().primary(),
    sessionId: p.uuid(),
    userId: p.uuid(),
    /** What the person calls it. */
    fileName: p.string().length(255),
    mediaType: p.string().$type<MediaType>().length(50),
    /** Of the file as its owner said it would come. */
    sizeBytes: p.integer(),
    sha256: p.string().length(64),
    /** What object storage knows an upload in parts by; null where the file is sent as one. */
    uploadId: p.string().length(1_024).nullable(),
    status: p.string().$type<AttachmentStatus>().length(20).default('uploading'),
    rejection: p.string().$type<RejectionCode>().length(50).nullable(),
    /** Of the file as it is kept, which for an image is not as it came; null before. */
    storedBytes: p.integer().nullable(),
    storedSha256: p.string().length(64).nullable(),
    createdAt: timestamp().defaultRaw('now()'),
    endedAt: timestamp().nullable(),
  },
  policies: [ownRows('attachments_owner', 'user_id')],
});
export type Attachment = InferEntity<typeof Attachment>;

/** What takes up storage, or may within the day. */
const keptStatuses: readonly AttachmentStatus[] = ['uploading', 'checking', 'ready'];

export interface NewAttachment {
  id: string;
  sessionId: string;
  userId: string;
  fileName: string;
  mediaType: MediaType;
  sizeBytes: number;
  sha256: string;
  uploadId: string | null;
}

export type AddOutcome =
  | { kind: 'added' }
  /** The session is not there, or not the user's. */
  | { kind: 'no_session' }
  | { kind: 'too_many' }
  | { kind: 'storage_full'; usedBytes: number };

/**
 * Adds an attachment to a session of the user's, if the session may have one more and all that the user keeps stays
 * within `storageBytes`. One user's are added one after another, so that two at once cannot pass the limit together.
 */
export async function addAttachment(
  em: EntityManager,
  attachment: NewAttachment,
  { storageBytes }: { storageBytes: number },
): Promise<AddOutcome> {
  return em.transactional(async (transaction) => {
    await transaction.execute(`select pg_advisory_xact_lock(hashtextextended(:lock, 0))`, {
      lock: `attachments of ${attachment.userId}`,
    });
    // A statement of its own: one that waited for the lock would not see what was added meanwhile. The session is
    // locked against its erasure, which removes what it finds.
    const [row] = await transaction.execute<{ session: boolean; count: number; used: number; added: boolean }[]>(
      `with session as (
         select id from sessions where id = :sessionId for key share
       ), here as (
         select count(*)::int as count from attachments where session_id = :sessionId
       ), kept as (
         select coalesce(sum(coalesce(stored_bytes, size_bytes)), 0)::float8 as bytes
         from attachments
         where user_id = :userId and :keptStatuses::jsonb @> to_jsonb(status::text)
       ), added as (
         insert into attachments (id, session_id, user_id, file_name, media_type, size_bytes, sha256, upload_id)
         select :id, session.id, :userId, :fileName, :mediaType, :sizeBytes, :sha256, :uploadId
         from session, here, kept
         where here.count < :maxAttachments and kept.bytes + :sizeBytes <= :storageBytes
         returning id
       )
       select exists (select from session) as session, here.count, kept.bytes as used,
         exists (select from added) as added
       from here, kept`,
      { ...attachment, storageBytes, maxAttachments, keptStatuses: JSON.stringify(keptStatuses) },
    );
    if (row === undefined) throw new Error('Adding an attachment answered nothing');
    if (row.added) return { kind: 'added' };
    if (!row.session) return { kind: 'no_session' };
    return row.count >= maxAttachments ? { kind: 'too_many' } : { kind: 'storage_full', usedBytes: row.used };
  });
}

/** Null when it is not there, or not one of this session. */
export async function findAttachment(
  em: EntityManager,
  { sessionId, attachmentId }: AttachmentIds,
): Promise<Attachment | null> {
  return em.findOne(Attachment, { id: attachmentId, sessionId });
}

/** Those of a session, in the order in which they were added. */
export async function listAttachments(em: EntityManager, sessionId: string): Promise<Attachment[]> {
  return em.find(Attachment, { sessionId }, { orderBy: { createdAt: 'asc', id: 'asc' } });
}

/** Records that all of it was sent; one that has come to its end meanwhile stays as it is. */
export async function recordSent(em: EntityManager, id: string): Promise<void> {
  await em.execute(`update attachments set status = 'checking' where id = :id and status = 'uploading'`, { id });
}

/** Records what the file is as it is kept. */
export async function recordStored(
  em: EntityManager,
  id: string,
  stored: { storedBytes: number; storedSha256: string },
): Promise<void> {
  await em.nativeUpdate(Attachment, { id }, stored);
}

/**
 * Ends an attachment, with the session's next event, in one statement; the first end stays. Null when it has ended
 * already, or is gone.
 */
export async function endAttachment(
  em: EntityManager,
  { sessionId, attachmentId }: AttachmentIds,
  { status, rejection }: { status: AttachmentEnd; rejection: RejectionCode | null },
): Promise<RecordedEvent | null> {
  // The session's row is locked first, as its steps and its erasure do.
  const [row] = await em.execute<(EventRow & { user_id: string })[]>(
    `with session as (
       select id, status from sessions where id = :sessionId for update
     ), attachment as (
       update attachments
       set status = :status, rejection = :rejection, ended_at = now()
       from session
       where attachments.id = :attachmentId and attachments.session_id = session.id
         and attachments.status in ('uploading', 'checking')
       returning session.id as session_id, session.status
     ), state as (
       update session_states
       set last_seq = last_seq + 1, updated_at = now()
       from attachment
       where session_states.session_id = attachment.session_id
       returning session_states.session_id, user_id, last_seq, step, attachment.status
     ), event as (
       insert into session_events (session_id, seq, type, data)
       select session_id, last_seq, :type, jsonb_build_object('status', status, 'step', step) || :facts::jsonb from state
       returning seq, type, data, created_at
     )
     select event.*, state.user_id from event, state`,
    {
      ...{ sessionId, attachmentId, status, rejection },
      type: `attachment_${status}`,
      facts: JSON.stringify({ attachmentId }),
    },
  );
  return row === undefined ? null : recordedEventOf(row);
}

/** Removes the row; one that is gone is no error. */
export async function deleteAttachment(em: EntityManager, { sessionId, attachmentId }: AttachmentIds): Promise<void> {
  await em.nativeDelete(Attachment, { id: attachmentId, sessionId });
}
