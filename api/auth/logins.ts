import { randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { isErasing } from '../../db/accountErasures.ts';
import type { Database } from '../../db/database.ts';
import { endLogins, Login, RefreshToken, rotateRefreshToken, type WhichLogins } from '../../db/logins.ts';
import { User } from '../../db/users.ts';
import { ApiError } from '../../domain/errors.ts';
import { loginLifetimeMs, refreshGraceMs } from '../../domain/logins.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import { newSecret, secretHash } from './secrets.ts';

interface IssuedRefreshToken {
  refreshToken: string;
  loginId: string;
}

/** Who begins a log-in, and by what. */
interface NewLogin {
  userId: string;
  /** The hash that the password was held against, where it was one that let the person in. */
  passwordHash?: string;
  /** The kind of client. */
  agent: string | null;
}

/**
 * Log-ins and their refresh tokens: opaque, stored hashed, each good for one rotation. A token that comes back after
 * its rotation ends the log-in, since either its owner or a thief holds a copy. What ends here ends everywhere at once.
 */
export interface Logins {
  /** Null where the account is gone or going, or its password was replaced meanwhile. */
  begin(login: NewLogin): Promise<IssuedRefreshToken | null>;
  /** Takes a token for the next one of its log-in. @throws ApiError `unauthenticated` */
  rotate(token: string): Promise<IssuedRefreshToken & { userId: string }>;
  /** Ends the log-in of this token; one that is unknown or ended already is no error. */
  endOfToken(token: string): Promise<void>;
  /** Ends log-ins of a user, and says how many. */
  end(which: WhichLogins): Promise<number>;
}

/** `nowMs` is the clock, given by tests that let time pass. */
export function createLogins(
  { database, revocations }: { database: Database; revocations: Pick<Revocations, 'revoke'> },
  nowMs: () => number = Date.now,
): Logins {
  function addToken(em: EntityManager, userId: string, loginId: string): string {
    const token = newSecret();
    const expiresAt = new Date(nowMs() + loginLifetimeMs);
    em.create(RefreshToken, { tokenHash: secretHash(token), login: loginId, user: userId, expiresAt });
    return token;
  }

  async function end(which: WhichLogins): Promise<number> {
    const ended = await endLogins(database.asService(), which, new Date(nowMs()));
    await revocations.revoke(ended);
    return ended.length;
  }

  return {
    begin: ({ userId, passwordHash, agent }) =>
      database.asService().transactional(async (em) => {
        // The lock holds back a change of password, which then ends this log-in too.
        const user = await em.findOne(User, userId, { lockMode: LockMode.PESSIMISTIC_READ });
        if (user === null || (passwordHash !== undefined && passwordHash !== user.passwordHash)) return null;
        if (await isErasing(em, userId)) return null;
        const loginId = randomUUID();
        const now = new Date(nowMs());
        em.create(Login, { id: loginId, user: userId, agent, createdAt: now, lastUsedAt: now });
        return { refreshToken: addToken(em, userId, loginId), loginId };
      }),

    async rotate(token) {
      const next = newSecret();
      const rotated = await rotateRefreshToken(database.asService(), {
        from: secretHash(token),
        to: secretHash(next),
        now: new Date(nowMs()),
        expiresAt: new Date(nowMs() + loginLifetimeMs),
        sparedSince: new Date(nowMs() - refreshGraceMs),
      });
      if (rotated?.isStolen === true) await revocations.revoke([rotated.loginId]);
      if (rotated === null || rotated.isStolen) throw new ApiError('unauthenticated');
      return { userId: rotated.userId, loginId: rotated.loginId, refreshToken: next };
    },

    async endOfToken(token) {
      const em = database.asService();
      const current = await em.findOne(RefreshToken, secretHash(token));
      if (current !== null) await end({ userId: current.user, loginId: current.login });
    },

    end,
  };
}
