import type { EntityManager } from '@mikro-orm/postgresql';
import type { AttachmentIds } from '../domain/attachments.ts';
import { openStatuses } from '../domain/session.ts';
import type { Person, Tier } from '../domain/tiers.ts';
import { erasuresLeft } from './accountErasures.ts';

/** What a database that comes from a backup needs before and after it is taken into use. */

export interface OpenSession {
  sessionId: string;
  userId: string;
  tier: Tier;
}

/** The sessions that were under way when the backup was taken. */
export async function openSessions(em: EntityManager): Promise<OpenSession[]> {
  return em.execute<OpenSession[]>(
    `select s.id as "sessionId", s.user_id as "userId", u.tier from sessions s join users u on u.id = s.user_id
     where :open::jsonb @> to_jsonb(s.status::text) order by s.created_at`,
    { open: JSON.stringify(openStatuses) },
  );
}

/** Which of these sessions there are. */
export async function existingSessions(em: EntityManager, ids: readonly string[]): Promise<Set<string>> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from sessions where id in (select value::uuid from jsonb_array_elements_text(:ids::jsonb))`,
    { ids: JSON.stringify(ids) },
  );
  return new Set(rows.map(({ id }) => id));
}

/** Bills of which Stripe may have heard after the backup was taken: asking again is safe for as long as after a claim. */
export async function claimBills(
  em: EntityManager,
  claims: readonly { sessionId: string; userId: string; units: number }[],
  takenAt: Date,
): Promise<void> {
  await em.execute(
    `insert into bills (session_id, user_id, units, state, first_sent_at)
     select c."sessionId", c."userId", c.units, 'sending', :takenAt::timestamptz
     from jsonb_to_recordset(:claims::jsonb) as c ("sessionId" uuid, "userId" uuid, units int)
     on conflict do nothing`,
    { claims: JSON.stringify(claims), takenAt: takenAt.toISOString() },
  );
}

/**
 * Ends what cannot go on from a backup: log-ins, since those that were ended after it would be open again; archives and
 * trainings, since what they made is in no backup.
 */
export async function endWhatIsLost(em: EntityManager): Promise<void> {
  await em.execute(`update logins set ended_at = now() where ended_at is null`);
  await em.execute(`update account_exports set state = 'expired' where state = 'ready'`);
  await em.execute(`update account_exports set state = 'failed' where state = 'running'`);
  await em.execute(
    `update trainings set state = 'failed', ended_at = now(), updated_at = now(),
       failure = 'The platform was restored from a backup that was taken while it ran.'
     where state = 'running'`,
  );
}

/** An attachment of a session, and whose it is. */
export interface OwnedAttachment {
  ids: AttachmentIds;
  owner: Person;
}

const selectAttachments = `
  select a.id as "attachmentId", a.session_id as "sessionId", a.user_id as "userId", u.tier
  from attachments a join users u on u.id = a.user_id`;

function ownedAttachment({ attachmentId, sessionId, ...owner }: AttachmentIds & Person): OwnedAttachment {
  return { ids: { attachmentId, sessionId }, owner };
}

/** What waits for a workflow beside the sessions. */
export interface Unfinished {
  attachments: OwnedAttachment[];
  deliveries: ({ id: string } & Person)[];
  /** Accounts that are being erased. */
  erasures: string[];
}

/** What a restored database says is under way beside sessions, so that it can be started again. */
export async function unfinishedWork(em: EntityManager): Promise<Unfinished> {
  const attachments = await em.execute<(AttachmentIds & Person)[]>(`${selectAttachments} where a.ended_at is null`);
  const deliveries = await em.execute<Unfinished['deliveries']>(
    `select d.id, d.user_id as "userId", u.tier from webhook_deliveries d join users u on u.id = d.user_id
     where d.state = 'pending'`,
  );
  return { attachments: attachments.map(ownedAttachment), deliveries, erasures: await erasuresLeft(em, 0) };
}

/** The sessions and owners of these attachments, where they are there. */
export async function attachmentsOf(em: EntityManager, ids: readonly string[]): Promise<OwnedAttachment[]> {
  const rows = await em.execute<(AttachmentIds & Person)[]>(
    `${selectAttachments} where a.id in (select value::uuid from jsonb_array_elements_text(:ids::jsonb))`,
    { ids: JSON.stringify(ids) },
  );
  return rows.map(ownedAttachment);
}

/** Which of these accounts there are. */
export async function existingAccounts(em: EntityManager, ids: readonly string[]): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from users where id in (select value::uuid from jsonb_array_elements_text(:ids::jsonb))`,
    { ids: JSON.stringify(ids) },
  );
  return rows.map(({ id }) => id);
}
