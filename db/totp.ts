import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { timestamp } from './rowSecurity.ts';
import { User } from './users.ts';

/*
 * The second factor of an account. It opens doors, so nothing here is a client's query: the gateway's role for users
 * has no right to either table.
 */

/** The secret that an authenticator app shares with us; it counts once its owner has shown a code of it. */
export const TotpSecret = defineEntity({
  name: 'TotpSecret',
  tableName: 'totp_secrets',
  properties: {
    user: () =>
      p.manyToOne(User).mapToPk().fieldName('user_id').primary().deleteRule('cascade').updateRule('no action'),
    /** Sealed. */
    secret: p.blob(),
    confirmedAt: timestamp().nullable(),
    /** The step of the newest code that was taken: neither it nor one before is taken again (RFC 6238, 5.2). */
    lastStep: p.bigint('number').nullable(),
    createdAt: timestamp().defaultRaw('now()'),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type TotpSecret = InferEntity<typeof TotpSecret>;

/** Recovery codes that were not used yet, hashed. */
export const RecoveryCode = defineEntity({
  name: 'RecoveryCode',
  tableName: 'recovery_codes',
  properties: {
    user: () =>
      p.manyToOne(TotpSecret).mapToPk().fieldName('user_id').primary().deleteRule('cascade').updateRule('no action'),
    /** SHA-256 of the code, hexadecimal: eighty random bits need no slower hash. */
    codeHash: p.string().length(64).primary(),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type RecoveryCode = InferEntity<typeof RecoveryCode>;

/** The secret of an account, confirmed or not; null when there is none. */
export function findTotp(em: EntityManager, userId: string): Promise<TotpSecret | null> {
  return em.findOne(TotpSecret, { user: userId });
}

/** Keeps a secret until it is confirmed, in the place of one that never was. False when one is confirmed already. */
export async function beginTotp(em: EntityManager, userId: string, sealed: Uint8Array): Promise<boolean> {
  const rows = await em.execute<{ user_id: string }[]>(
    `insert into totp_secrets (user_id, secret) values (:userId, :secret)
     on conflict (user_id) do update set secret = excluded.secret, created_at = now()
       where totp_secrets.confirmed_at is null
     returning user_id`,
    { userId, secret: Buffer.from(sealed) },
  );
  return rows.length > 0;
}

/** Lets the secret count from now on, with these recovery codes. False when it was confirmed or replaced meanwhile. */
export async function confirmTotp(
  em: EntityManager,
  { user: userId, secret }: TotpSecret,
  step: number,
  codeHashes: readonly string[],
): Promise<boolean> {
  const rows = await em.execute<{ user_id: string }[]>(
    `with confirmed as (
       update totp_secrets set confirmed_at = now(), last_step = :step
       where user_id = :userId and secret = :secret and confirmed_at is null returning user_id
     )
     insert into recovery_codes (user_id, code_hash)
     select user_id, code_hash from confirmed, jsonb_array_elements_text(:codeHashes::jsonb) as code_hash
     returning user_id`,
    { userId, secret: Buffer.from(secret), step, codeHashes: JSON.stringify(codeHashes) },
  );
  return rows.length > 0;
}

/** Uses up the code of this step. False when it, or a later one, was used before. */
export async function useStep(em: EntityManager, userId: string, step: number): Promise<boolean> {
  const rows = await em.execute<{ user_id: string }[]>(
    `update totp_secrets set last_step = :step
     where user_id = :userId and confirmed_at is not null and last_step < :step returning user_id`,
    { userId, step },
  );
  return rows.length > 0;
}

/** Uses up a recovery code. False when the account has none like this, or no longer. */
export async function useRecoveryCode(em: EntityManager, userId: string, codeHash: string): Promise<boolean> {
  return (await em.nativeDelete(RecoveryCode, { user: userId, codeHash })) > 0;
}

/** How many are left: each is deleted when it is used. */
export function countRecoveryCodes(em: EntityManager, userId: string): Promise<number> {
  return em.count(RecoveryCode, { user: userId });
}

/** The password alone opens the account again; the recovery codes go with the secret. False when there was none. */
export async function removeTotp(em: EntityManager, userId: string): Promise<boolean> {
  return (await em.nativeDelete(TotpSecret, { user: userId })) > 0;
}
