import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Database } from '../../db/database.ts';
import { RefreshToken } from '../../db/entities.ts';
import { ApiError } from '../../domain/errors.ts';
import { dayMs, secondMs } from '../../domain/time.ts';

/** How long a log-in lasts without being used. */
const lifetimeMs = 30 * dayMs;
/** A client whose answer was lost may send the same token again for this long; after that it is taken for a thief. */
const graceMs = 10 * secondMs;

interface IssuedRefreshToken {
  refreshToken: string;
  /** The family. */
  loginId: string;
}

/**
 * Refresh tokens: opaque, stored hashed, each good for one rotation. The tokens of one log-in are a family; a token
 * that comes back after its rotation ends the whole family, since either its owner or a thief holds a copy.
 */
export interface RefreshTokens {
  /** Begins a family, which names the log-in. */
  issue(userId: string): Promise<IssuedRefreshToken>;
  /** Takes a token for the next one of its family. @throws ApiError `unauthenticated` */
  rotate(token: string): Promise<IssuedRefreshToken & { userId: string }>;
  /** Ends the family of this token; one that is unknown or ended already is no error. */
  revoke(token: string): Promise<void>;
}

/** `nowMs` is the clock, given by tests that let time pass. */
export function createRefreshTokens(database: Database, nowMs: () => number = Date.now): RefreshTokens {
  function add(em: EntityManager, userId: string, familyId: string): string {
    const token = randomBytes(32).toString('base64url');
    em.create(RefreshToken, {
      tokenHash: hashOf(token),
      familyId,
      user: userId,
      expiresAt: new Date(nowMs() + lifetimeMs),
    });
    return token;
  }

  return {
    async issue(userId) {
      const em = database.asService();
      const loginId = randomUUID();
      const refreshToken = add(em, userId, loginId);
      await em.flush();
      return { refreshToken, loginId };
    },

    async rotate(token) {
      // Nothing is thrown inside the transaction: ending a stolen family must be committed.
      const rotated = await database.asService().transactional(async (em) => {
        const current = await findLocked(em, token);
        if (current === null || current.revokedAt || current.expiresAt.getTime() <= nowMs()) return null;
        if (current.usedAt && nowMs() - current.usedAt.getTime() > graceMs) {
          await endFamily(em, current.familyId, nowMs());
          return null;
        }
        current.usedAt ??= new Date(nowMs());
        const { user, familyId } = current;
        return { userId: user, refreshToken: add(em, user, familyId), loginId: familyId };
      });
      if (rotated === null) throw new ApiError('unauthenticated');
      return rotated;
    },

    async revoke(token) {
      await database.asService().transactional(async (em) => {
        const current = await findLocked(em, token);
        if (current !== null) await endFamily(em, current.familyId, nowMs());
      });
    },
  };
}

/** The token, once no other rotation of its family is under way: otherwise one could slip past the family's end. */
async function findLocked(em: EntityManager, token: string): Promise<RefreshToken | null> {
  const found = await em.findOne(RefreshToken, hashOf(token));
  if (found === null) return null;
  await em.execute(`select pg_advisory_xact_lock(hashtextextended(:familyId, 0))`, { familyId: found.familyId });
  return em.refresh(found);
}

async function endFamily(em: EntityManager, familyId: string, nowMs: number): Promise<void> {
  await em.nativeUpdate(RefreshToken, { familyId, revokedAt: null }, { revokedAt: new Date(nowMs) });
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
