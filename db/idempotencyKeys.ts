import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { dayMs, minuteMs } from '../domain/time.ts';
import { ownRows, timestamp } from './rowSecurity.ts';

/** Requests that were sent with an Idempotency-Key, and what they were answered. Rows live for a day. */
export const IdempotencyKey = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  indexes: [{ name: 'idempotency_keys_expiry', properties: ['expiresAt'] }],
  properties: {
    userId: p.uuid().primary(),
    /** Keyed hash of the key. */
    keyHash: p.string().length(64).primary(),
    /** Keyed hash of the request; tells a repeated request from another one. */
    fingerprint: p.string().length(64),
    /** Who answers: a request that was given up must not write over the one that took its place. */
    claim: p.uuid(),
    /** Until when a claim without an answer holds; its process may have died. */
    claimedUntil: timestamp(),
    /** Sealed; null while there is none. */
    answer: p.blob().nullable(),
    expiresAt: timestamp(),
  },
  policies: [ownRows('idempotency_keys_owner', 'user_id')],
});
export type IdempotencyKey = InferEntity<typeof IdempotencyKey>;

const lifetimeMs = dayMs;
/** No request takes as long, so a claim this old without an answer has nobody behind it any more. */
const claimLifetimeMs = 5 * minuteMs;
/** How many rows that are past their time a new one removes, whosever they are: the table shrinks as fast as it grows. */
const sweptAtOnce = 10;

export interface KeyedRequest {
  keyHash: string;
  fingerprint: string;
  claim: string;
}

/** How a request stands under its key: it is ours to answer, somebody answers it now, or there is an answer. */
export type KeyState =
  { kind: 'claimed' } | { kind: 'in_flight' } | { kind: 'other_request' } | { kind: 'answered'; answer: Uint8Array };

/** Claims a request for the one who is to answer it, as one statement: of many at once one gets it. */
export async function claimKey(
  em: EntityManager,
  userId: string,
  { keyHash, fingerprint, claim }: KeyedRequest,
): Promise<KeyState> {
  const [claimed] = await em.execute<unknown[]>(
    `insert into idempotency_keys as held (user_id, key_hash, fingerprint, claim, claimed_until, expires_at)
     values (:userId, :keyHash, :fingerprint, :claim, now() + :claimLifetime::interval, now() + :lifetime::interval)
     on conflict (user_id, key_hash) do update
     set fingerprint = excluded.fingerprint, claim = excluded.claim, claimed_until = excluded.claimed_until,
         answer = null, expires_at = excluded.expires_at
     where held.expires_at < now()
        or held.answer is null and held.claimed_until < now() and held.fingerprint = excluded.fingerprint
     returning claim`,
    {
      userId,
      keyHash,
      fingerprint,
      claim,
      claimLifetime: `${claimLifetimeMs} milliseconds`,
      lifetime: `${lifetimeMs} milliseconds`,
    },
  );
  if (claimed !== undefined) return { kind: 'claimed' };
  const held = await em.findOne(IdempotencyKey, { userId, keyHash });
  // It may have been given back between the two statements; the client is told to come again.
  if (held === null) return { kind: 'in_flight' };
  if (held.fingerprint !== fingerprint) return { kind: 'other_request' };
  return held.answer ? { kind: 'answered', answer: held.answer } : { kind: 'in_flight' };
}

/** Keeps the answer of a request for those who repeat it. */
export async function keepAnswer(
  em: EntityManager,
  userId: string,
  { keyHash, claim }: KeyedRequest,
  answer: Uint8Array,
): Promise<void> {
  await em.nativeUpdate(IdempotencyKey, { userId, keyHash, claim }, { answer: Buffer.from(answer) });
}

/** Gives a request back that came to nothing, so that it can be sent again. */
export async function releaseKey(em: EntityManager, userId: string, { keyHash, claim }: KeyedRequest): Promise<void> {
  await em.nativeDelete(IdempotencyKey, { userId, keyHash, claim });
}

/** Removes some rows that are past their time. It takes the service's entity manager: they are anybody's. */
export async function sweepKeys(em: EntityManager): Promise<void> {
  await em.execute(
    `delete from idempotency_keys where (user_id, key_hash) in (
       select user_id, key_hash from idempotency_keys where expires_at < now() limit :limit for update skip locked)`,
    { limit: sweptAtOnce },
  );
}
