import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { loginLifetimeMs } from '../domain/logins.ts';
import { ownRows, timestamp } from './rowSecurity.ts';
import { User } from './users.ts';

/** A log-in: begun on one device, used by its refresh tokens, until somebody ends it or nobody uses it any more. */
export const Login = defineEntity({
  name: 'Login',
  tableName: 'logins',
  indexes: [
    { name: 'logins_user', properties: ['user', 'lastUsedAt'] },
    { name: 'logins_ended', properties: ['endedAt'] },
  ],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().fieldName('user_id').deleteRule('cascade').updateRule('no action'),
    /** The kind of client, such as "Firefox on Linux"; neither the whole header nor an address is kept. */
    agent: p.string().length(100).nullable(),
    createdAt: timestamp(),
    lastUsedAt: timestamp(),
    endedAt: timestamp().nullable(),
  },
  policies: [ownRows('logins_owner', 'user_id')],
});
export type Login = InferEntity<typeof Login>;

/** Refresh tokens, stored hashed: those of one log-in rotate, and one that is used twice ends it. */
export const RefreshToken = defineEntity({
  name: 'RefreshToken',
  tableName: 'refresh_tokens',
  indexes: [{ name: 'refresh_tokens_login', properties: ['login'] }],
  properties: {
    /** SHA-256 of the token, hexadecimal. */
    tokenHash: p.string().length(64).primary(),
    login: () => p.manyToOne(Login).mapToPk().fieldName('login_id').deleteRule('cascade').updateRule('no action'),
    user: () => p.manyToOne(User).mapToPk().fieldName('user_id').deleteRule('cascade').updateRule('no action'),
    expiresAt: timestamp(),
    usedAt: timestamp().nullable(),
    createdAt: timestamp().defaultRaw('now()'),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type RefreshToken = InferEntity<typeof RefreshToken>;

/** The log-ins of the caller that still work, the one that was used last first. */
export function listLogins(em: EntityManager, now: Date): Promise<Login[]> {
  return em.find(
    Login,
    { endedAt: null, lastUsedAt: { $gt: new Date(now.getTime() - loginLifetimeMs) } },
    { orderBy: { lastUsedAt: 'desc' } },
  );
}

/** Which log-ins of a user are ended: the one that is named, or all, but for one that is spared. */
export interface WhichLogins {
  userId: string;
  loginId?: string;
  spare?: string;
}

/** Ends log-ins, and answers the ids of those that this call ended. */
export async function endLogins(em: EntityManager, which: WhichLogins, now: Date): Promise<string[]> {
  const { userId, loginId = null, spare = null } = which;
  const rows = await em.execute<{ id: string }[]>(
    `update logins set ended_at = :now::timestamptz
     where user_id = :userId::uuid and ended_at is null
       and (:loginId::uuid is null or id = :loginId::uuid)
       and (:spare::uuid is null or id <> :spare::uuid)
     returning id`,
    { userId, loginId, spare, now: now.toISOString() },
  );
  return rows.map(({ id }) => id);
}

/** Whether this log-in was ended, or its account is gone. A log-in that was never heard of has not ended. */
export async function isLoginEnded(
  em: EntityManager,
  { userId, loginId }: { userId: string; loginId: string },
): Promise<boolean> {
  const [row] = await em.execute<{ ended: boolean }[]>(
    `select exists (select from logins where id = :loginId::uuid and ended_at is not null)
       or not exists (select from users where id = :userId::uuid) as ended`,
    { userId, loginId },
  );
  return row?.ended ?? true;
}

/** The ids of all log-ins that were ended after this time. */
export async function loginsEndedAfter(em: EntityManager, time: Date): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(`select id from logins where ended_at > :time::timestamptz`, {
    time: time.toISOString(),
  });
  return rows.map(({ id }) => id);
}
