import { defineEntity, p, UniqueConstraintViolationException, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { passkeysPerAccount } from '../domain/secondFactors.ts';
import { ownRows, timestamp } from './rowSecurity.ts';
import { User } from './users.ts';

/** Passkeys (WebAuthn): what lies here is public, the private key never leaves its owner's device. */
export const Passkey = defineEntity({
  name: 'Passkey',
  tableName: 'passkeys',
  indexes: [{ name: 'passkeys_user', properties: ['user'] }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().fieldName('user_id').deleteRule('cascade').updateRule('no action'),
    /** As its authenticator calls it: up to 1,023 bytes, base64url. */
    credentialId: p.string().length(1364).unique('passkeys_credential_id_key'),
    /** COSE, base64url. */
    publicKey: p.text(),
    /** How often it has signed, as far as it counts; it only ever grows. Most synchronised passkeys say 0 for ever. */
    counter: p.bigint('number'),
    /** How a browser reaches it, such as `internal` or `usb`. */
    transports: p.json().$type<readonly string[]>(),
    /** Whether it is kept beyond the one device, as passkeys in a person's cloud are. */
    backedUp: p.boolean(),
    label: p.string().length(100),
    createdAt: timestamp().defaultRaw('now()'),
    lastUsedAt: timestamp().nullable(),
  },
  policies: [ownRows('passkeys_owner', 'user_id')],
});
export type Passkey = InferEntity<typeof Passkey>;

/*
 * For the signed-in person, with an entity manager of one user (`Database.asUser`).
 */

export type NewPasskey = Omit<Passkey, 'createdAt' | 'lastUsedAt'>;

/** The new passkey, or why there is none. */
export async function insertPasskey(
  em: EntityManager,
  given: NewPasskey,
): Promise<Passkey | 'passkey_taken' | 'too_many_passkeys'> {
  try {
    return await em.transactional(async (transaction) => {
      // One after the other, so that two at once do not both find the last place.
      await transaction.execute(`select pg_advisory_xact_lock(hashtextextended('passkeys ' || :userId, 0))`, {
        userId: given.user,
      });
      if ((await transaction.count(Passkey)) >= passkeysPerAccount) return 'too_many_passkeys';
      await transaction.insert(Passkey, given);
      return transaction.findOneOrFail(Passkey, given.id);
    });
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) return 'passkey_taken';
    throw error;
  }
}

/** Of the user whose entity manager it is, in the order in which they were added. */
export function listPasskeys(em: EntityManager): Promise<Passkey[]> {
  return em.find(Passkey, {}, { orderBy: { createdAt: 'asc', id: 'asc' } });
}

/** Null when the user has none of this id. */
export async function renamePasskey(em: EntityManager, id: string, label: string): Promise<Passkey | null> {
  await em.nativeUpdate(Passkey, { id }, { label });
  return em.findOne(Passkey, { id });
}

/** False when the user has none of this id. */
export async function deletePasskey(em: EntityManager, id: string): Promise<boolean> {
  return (await em.nativeDelete(Passkey, { id })) > 0;
}

/** For a log-in, where nobody is known yet. */
export function findPasskeyByCredential(em: EntityManager, credentialId: string): Promise<Passkey | null> {
  return em.findOne(Passkey, { credentialId });
}

/** Records that a passkey let its owner in. False when its counter did not grow: then it is a copy, or was used twice. */
export async function usePasskey(
  em: EntityManager,
  { id, counter, backedUp }: Pick<Passkey, 'id' | 'counter' | 'backedUp'>,
): Promise<boolean> {
  const rows = await em.execute<{ id: string }[]>(
    `update passkeys set counter = :counter, backed_up = :backedUp, last_used_at = now()
     where id = :id and (counter < :counter or (counter = 0 and :counter = 0)) returning id`,
    { id, counter, backedUp },
  );
  return rows.length > 0;
}
