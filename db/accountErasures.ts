import { randomBytes } from 'node:crypto';
import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import { tables } from '../domain/dataClasses.ts';
import type { Account } from './accounts.ts';
import { endLogins, Login } from './logins.ts';
import { timestamp } from './rowSecurity.ts';

/**
 * The erasure of an account, and its receipt once it is done: it says how much was erased, and names nobody. Who knows
 * its id may read it, since whoever asked for it has no account to sign in with any more.
 */
export const AccountErasure = defineEntity({
  name: 'AccountErasure',
  tableName: 'account_erasures',
  properties: {
    id: p.uuid().primary(),
    /** Null once the erasure is done. */
    userId: p.uuid().nullable().unique('account_erasures_user'),
    requestedAt: timestamp().defaultRaw('now()'),
    completedAt: timestamp().nullable(),
    /** How many rows of each table were erased with the account. */
    erasedRows: p.json().$type<Readonly<Record<string, number>>>().defaultRaw(`'{}'`),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type AccountErasure = InferEntity<typeof AccountErasure>;

/**
 * Records that the account's owner asked for its erasure; asked again, it is the same one. Null when the account has
 * another password by now: who asked under the old one may be whom its owner has just shut out.
 */
export async function requestErasure(
  em: EntityManager,
  { id: userId, passwordHash }: Pick<Account, 'id' | 'passwordHash'>,
  id: string,
): Promise<AccountErasure | null> {
  await em.execute(
    `with account as (select id from users where id = :userId and password_hash = :passwordHash for share)
     insert into account_erasures (id, user_id) select :id::uuid, id from account on conflict (user_id) do nothing`,
    { id, userId, passwordHash },
  );
  return em.findOne(AccountErasure, { userId });
}

/** Whether the account's owner asked for its erasure: then nobody signs in any more. */
export async function isErasing(em: EntityManager, userId: string): Promise<boolean> {
  return (await em.count(AccountErasure, { userId })) > 0;
}

/** Accounts whose erasure was asked for so long ago, or longer, and is not done. */
export async function erasuresLeft(em: EntityManager, leastAgeMs: number): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select user_id as id from account_erasures
     where user_id is not null and requested_at <= now() - :leastAgeMs * interval '1 millisecond'`,
    { leastAgeMs },
  );
  return rows.map(({ id }) => id);
}

/** The receipt of this id; null when there is none. */
export function findErasure(em: EntityManager, id: string): Promise<AccountErasure | null> {
  return em.findOne(AccountErasure, id);
}

/** What let people in, and has to be told as ended. */
interface ClosedDoors {
  loginIds: string[];
  keyAndShareIds: string[];
}

/** Nobody comes in to the account or its sessions any more: by password, log-in, API key or link. Safe to run again. */
export function closeAccount(em: EntityManager, userId: string): Promise<ClosedDoors> {
  return em.transactional(async (transaction) => {
    await transaction.execute(`update users set password_hash = :unusable where id = :userId`, {
      userId,
      unusable: unusablePasswordHash(),
    });
    await endLogins(transaction, { userId }, new Date());
    const logins = await transaction.find(Login, { user: userId }, { fields: ['id'] });
    // They are erased with the account, and counted in its receipt.
    const ended = await transaction.execute<{ id: string }[]>(
      `with keys as (
         update api_keys set expires_at = least(expires_at, now()) where user_id = :userId returning id
       ), shares as (
         update session_shares set expires_at = least(expires_at, now())
         where session_id in (select id from sessions where user_id = :userId) returning id
       )
       select id from keys union all select id from shares`,
      { userId },
    );
    return { loginIds: logins.map(({ id }) => id), keyAndShareIds: ended.map(({ id }) => id) };
  });
}

/** Has the form of a hash, so that checking it costs what checking any other does, and is that of no password. */
function unusablePasswordHash(): string {
  const random = (bytes: number) => randomBytes(bytes).toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=7168,t=5,p=1$${random(16)}$${random(32)}`;
}

/** Sessions of the account that are not erased yet. */
export async function sessionsLeft(em: EntityManager, userId: string, limit: number): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select session_id as id from session_states where user_id = :userId and deleted_at is null limit :limit`,
    { userId, limit },
  );
  return rows.map(({ id }) => id);
}

const erasedTables = Object.entries(tables).filter(([, { erasure }]) => erasure === 'delete');

/**
 * Removes every row that belongs to the account, the key to its content and the account itself among them, and completes
 * the receipt; all of it or nothing. False when sessions have to be erased first. Safe to run again.
 */
export async function eraseAccountRows(em: EntityManager, userId: string): Promise<boolean> {
  return em.transactional(async (transaction) => {
    if ((await sessionsLeft(transaction, userId, 1)).length > 0) return false;
    const erasedRows: Record<string, number> = {};
    for (const [table, { owner }] of erasedTables) {
      const whose =
        owner === 'session_id'
          ? 'session_id in (select id from sessions where user_id = :userId)'
          : `${owner ?? ''} = :userId`;
      const [deleted] = await transaction.execute<{ count: number }[]>(
        `with deleted as (delete from ${table} where ${whose} returning 1) select count(*)::int as count from deleted`,
        { userId },
      );
      erasedRows[table] = deleted?.count ?? 0;
    }
    await transaction.execute(
      `update account_erasures set user_id = null, completed_at = now(), erased_rows = :erasedRows::jsonb
       where user_id = :userId`,
      { userId, erasedRows: JSON.stringify(erasedRows) },
    );
    return true;
  });
}
