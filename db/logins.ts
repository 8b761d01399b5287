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

interface Rotation {
  /** The hash of the token that is shown, and of the one that takes its place. */
  from: string;
  to: string;
  now: Date;
  /** When the new one ends. */
  expiresAt: Date;
  /** A token that was used before this was copied by somebody; one that was used since may have been asked for twice. */
  sparedSince: Date;
}

/**
 * Takes a refresh token for the next one of its log-in, and sweeps away those that have run out. A token that comes
 * back too late ends its log-in instead. Null when the token or its log-in is unknown, has run out or has ended.
 */
export function rotateRefreshToken(
  em: EntityManager,
  { from, to, now, expiresAt, sparedSince }: Rotation,
): Promise<{ userId: string; loginId: string; isStolen: boolean } | null> {
  return em.transactional(async (inside) => {
    // The lock first and by itself, so that the statement after it sees what others did before they let it go.
    const [login] = await inside.execute<{ id: string }[]>(
      `select id from logins
       where id = (select login_id from refresh_tokens where token_hash = :from) and ended_at is null
       for update`,
      { from },
    );
    if (login === undefined) return null;
    const [rotated] = await inside.execute<{ userId: string; loginId: string; isStolen: boolean }[]>(
      `with shown as (
         select coalesce(used_at < :sparedSince::timestamptz, false) as stolen
         from refresh_tokens where token_hash = :from and expires_at > :now::timestamptz
       ), login as (
         update logins set
           ended_at = case when stolen then :now::timestamptz end,
           last_used_at = case when stolen then last_used_at else :now::timestamptz end
         from shown where id = :loginId and ended_at is null
         returning id, user_id, stolen
       ), used as (
         update refresh_tokens set used_at = coalesce(used_at, :now::timestamptz)
         from login where token_hash = :from and not stolen
       ), swept as (
         delete from refresh_tokens using login
         where login_id = login.id and expires_at <= :now::timestamptz and not stolen
       ), issued as (
         insert into refresh_tokens (token_hash, login_id, user_id, expires_at)
         select :to, id, user_id, :expiresAt::timestamptz from login where not stolen
       )
       select id as "loginId", user_id as "userId", stolen as "isStolen" from login`,
      {
        from,
        to,
        loginId: login.id,
        now: now.toISOString(),
        expiresAt: expiresAt.toISOString(),
        sparedSince: sparedSince.toISOString(),
      },
    );
    return rotated ?? null;
  });
}
