import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { NoticeKind } from '../domain/accountMails.ts';
import { ownRows, timestamp } from './rowSecurity.ts';
import { User } from './users.ts';

/**
 * What the owner of an account has yet to be told by mail. A row is written with the change that it is about, and goes
 * once the mail is sent; so the address may be one that the account no longer has.
 */
export const AccountNotice = defineEntity({
  name: 'AccountNotice',
  tableName: 'account_notices',
  indexes: [
    { name: 'account_notices_user', properties: ['user'] },
    { name: 'account_notices_at', properties: ['at'] },
  ],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().fieldName('user_id').deleteRule('cascade').updateRule('no action'),
    kind: p.string().$type<NoticeKind>().length(30),
    /** Where it is sent to. */
    email: p.string().length(255),
    /** When it happened. */
    at: timestamp().defaultRaw('now()'),
  },
  policies: [ownRows('account_notices_owner', 'user_id')],
});
export type AccountNotice = InferEntity<typeof AccountNotice>;

/** Writes down what an owner is told, in the transaction of the change. `email` is the account's unless given. */
export async function insertNotice(
  em: EntityManager,
  notice: { id: string; userId: string; kind: NoticeKind; email?: string | undefined },
): Promise<void> {
  await em.execute(
    `insert into account_notices (id, user_id, kind, email)
     select :id::uuid, users.id, :kind, coalesce(:email::varchar, users.email) from users where users.id = :userId`,
    { ...notice, email: notice.email ?? null },
  );
}

/** What is not sent yet of this account's, and what an outage left behind of anybody's; the oldest first. */
export async function noticesToSend(em: EntityManager, userId: string): Promise<{ id: string; userId: string }[]> {
  return em.execute(
    `select id, user_id as "userId" from account_notices
     where user_id = :userId or at < now() - interval '1 minute'
     order by at limit 100`,
    { userId },
  );
}

/** Null when it was sent, or its account is gone. */
export function findNotice(em: EntityManager, id: string): Promise<AccountNotice | null> {
  return em.findOne(AccountNotice, id);
}

/** Once its mail is sent. */
export async function removeNotice(em: EntityManager, id: string): Promise<void> {
  await em.nativeDelete(AccountNotice, id);
}
