import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Tier } from '../domain/tiers.ts';
import { rowsOfOwnSessions, timestamp } from './rowSecurity.ts';

/** Links by which anybody who has one reads a session. A link that is taken back, and those of a deleted session, are gone. */
export const SessionShare = defineEntity({
  name: 'SessionShare',
  tableName: 'session_shares',
  indexes: [{ name: 'session_shares_session', properties: ['sessionId', 'createdAt'] }],
  properties: {
    id: p.uuid().primary(),
    sessionId: p.uuid(),
    /** SHA-256 of the token, hexadecimal; the token itself is shown once and kept nowhere. */
    tokenHash: p.string().length(64).unique('session_shares_token'),
    createdAt: timestamp().defaultRaw('now()'),
    expiresAt: timestamp(),
  },
  policies: [rowsOfOwnSessions('session_shares_owner')],
});
export type SessionShare = InferEntity<typeof SessionShare>;

export type NewShare = Pick<SessionShare, 'id' | 'sessionId' | 'tokenHash' | 'createdAt' | 'expiresAt'>;

/** How many links may lead to one session at once: one for each of a large class. */
const sharesPerSession = 100;

/** Stores a link, and drops those of its session that are past their time. */
export async function insertShare(em: EntityManager, share: NewShare): Promise<'made' | 'no_session' | 'full'> {
  const { sessionId } = share;
  return em.transactional(async (inside) => {
    // One after the other, so that two at once do not both find the last place.
    await inside.execute(`select pg_advisory_xact_lock(hashtextextended('session_shares ' || :sessionId, 0))`, {
      sessionId,
    });
    const [session] = await inside.execute(`select id from sessions where id = :sessionId for key share`, {
      sessionId,
    });
    if (session === undefined) return 'no_session';
    await inside.nativeDelete(SessionShare, { sessionId, expiresAt: { $lte: new Date() } });
    if ((await inside.count(SessionShare, { sessionId })) >= sharesPerSession) return 'full';
    await inside.insert(SessionShare, share);
    return 'made';
  });
}

/** The links of a session that still lead to it, newest first. */
export async function listShares(em: EntityManager, sessionId: string): Promise<SessionShare[]> {
  const open = { sessionId, expiresAt: { $gt: new Date() } };
  return em.find(SessionShare, open, { orderBy: { createdAt: 'desc', id: 'desc' } });
}

/** Takes a link back. False when the session has none of this id. */
export async function deleteShare(em: EntityManager, sessionId: string, id: string): Promise<boolean> {
  return (await em.nativeDelete(SessionShare, { id, sessionId })) > 0;
}

/** Which of these links still lead to their sessions. It takes the service's entity manager. */
export async function openShares(em: EntityManager, ids: string[]): Promise<string[]> {
  const open = { id: { $in: ids }, expiresAt: { $gt: new Date() } };
  return (await em.find(SessionShare, open, { fields: ['id'] })).map(({ id }) => id);
}

/** What a link leads to, and whose it is. */
export interface SharedSession {
  /** Of the link. */
  id: string;
  sessionId: string;
  userId: string;
  tier: Tier;
  /** ISO 8601, UTC. */
  expiresAt: string;
}

/** Null when the link never was, is past its time or was taken back. It takes the service's entity manager: whoever asks is nobody's user. */
export async function findShared(em: EntityManager, tokenHash: string): Promise<SharedSession | null> {
  const [row] = await em.execute<SharedSession[]>(
    `select sh.id, s.id as "sessionId", s.user_id as "userId", u.tier, sh.expires_at as "expiresAt"
     from session_shares sh join sessions s on s.id = sh.session_id join users u on u.id = s.user_id
     where sh.token_hash = :tokenHash and sh.expires_at > now()`,
    { tokenHash },
  );
  return row === undefined ? null : { ...row, expiresAt: new Date(row.expiresAt).toISOString() };
}
