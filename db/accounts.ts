import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Role, Tier } from '../domain/tiers.ts';
import { isoUtc } from './isoUtc.ts';

/** An account with its role, and what we keep of it beside the specified columns. */
export interface Account {
  id: string;
  email: string;
  username: string;
  tier: Tier;
  role: Role;
  emailConfirmed: boolean;
  /** The e-mail that takes the other's place once it is confirmed. */
  pendingEmail: string | null;
  createdAt: string;
  passwordHash: string;
}

/** The account of this id or e-mail; null when there is none. */
export async function findAccount(em: EntityManager, who: { id: string } | { email: string }): Promise<Account | null> {
  const [row] = await em.execute<Account[]>(
    `select users.id, email, username, tier, coalesce(role, 'user') as role,
       email_confirmed_at is not null as "emailConfirmed", pending_email as "pendingEmail",
       ${isoUtc('users.created_at')} as "createdAt", password_hash as "passwordHash"
     from users
     left join user_roles on user_roles.user_id = users.id
     left join account_states on account_states.user_id = users.id
     where users.id = :id::uuid or email = :email::varchar`,
    { id: null, email: null, ...who },
  );
  return row ?? null;
}

export type TakenName = 'email_taken' | 'username_taken';

/** Runs a change of an account; answers which of its names another account has, where that is why it failed. */
export async function unlessTaken<T>(change: () => Promise<T>): Promise<T | TakenName> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    return error.message.includes('users_email_key') ? 'email_taken' : 'username_taken';
  }
}

/** Puts one password hash in another's place. False when the account has another one by now. */
export async function replacePasswordHash(
  em: EntityManager,
  change: { userId: string; from: string; to: string },
): Promise<boolean> {
  const rows = await em.execute<{ id: string }[]>(
    `update users set password_hash = :to, updated_at = now() where id = :userId and password_hash = :from returning id`,
    change,
  );
  return rows.length > 0;
}

/** @throws a unique violation where somebody else has the name */
export async function renameAccount(em: EntityManager, userId: string, username: string): Promise<void> {
  await em.execute(`update users set username = :username, updated_at = now() where id = :userId`, {
    userId,
    username,
  });
}

/**
 * The e-mail that shall take the other's place once it is confirmed; null for none. False when the account has another
 * password hash by now: a change of the password, which takes back what is pending, must not be followed by what was
 * asked for under the old one.
 */
export async function setPendingEmail(
  em: EntityManager,
  { id, passwordHash }: Pick<Account, 'id' | 'passwordHash'>,
  email: string | null,
): Promise<boolean> {
  const rows = await em.execute<{ user_id: string }[]>(
    `with account as (select id from users where id = :id and password_hash = :passwordHash for share)
     insert into account_states (user_id, pending_email) select id, :email::varchar from account
     on conflict (user_id) do update set pending_email = excluded.pending_email
     returning user_id`,
    { id, passwordHash, email },
  );
  return rows.length > 0;
}

/** Lets the pending e-mail take the other's place. False when another one is pending by now. */
export async function takePendingEmail(em: EntityManager, userId: string, email: string): Promise<boolean> {
  const rows = await em.execute<{ user_id: string }[]>(
    // The account is locked first, as a change of its password does.
    `with account as (
       select id from users where id = :userId for update
     ), confirmed as (
       update account_states set pending_email = null, email_confirmed_at = now() from account
       where user_id = account.id and pending_email = :email returning user_id
     )
     update users set email = :email, updated_at = now() from confirmed where id = confirmed.user_id
     returning user_id`,
    { userId, email },
  );
  return rows.length > 0;
}

/**
 * Takes from an account whatever lets somebody in beside the password, or tells them of it: API keys, passkeys, the second
 * factor and webhooks. Answers the ids of the keys.
 */
export async function removeOtherWaysIn(em: EntityManager, userId: string): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `with keys as (
       delete from api_keys where user_id = :userId returning id
     ), opened as (
       delete from passkeys where user_id = :userId
     ), asked as (
       delete from totp_secrets where user_id = :userId
     ), told as (
       delete from webhook_endpoints where user_id = :userId
     )
     select id from keys`,
    { userId },
  );
  return rows.map(({ id }) => id);
}
