import type { z } from 'zod';
import type { Account } from '../../db/accounts.ts';
import { createAccounts, type AccountDeps } from '../accounts/accounts.ts';
import { createLogins } from './logins.ts';
import { toUserView, type signedInSchema } from './schemas.ts';

type SignedIn = z.input<typeof signedInSchema>;

/** What every way in ends with: a log-in, its tokens, and the account as its owner reads it. */
export function createSigningIn(deps: AccountDeps) {
  const accounts = createAccounts(deps);
  const logins = createLogins(deps);

  /** Null where the account is being erased, or its password was replaced since it was held against the account. */
  return async function signIn(
    account: Account,
    { by, agent }: { by: 'password' | 'passkey'; agent: string | null },
  ): Promise<SignedIn | null> {
    const { passwordHash } = account;
    const login = await logins.begin({ userId: account.id, agent, ...(by === 'password' ? { passwordHash } : {}) });
    if (login === null) return null;
    const { refreshToken, loginId } = login;
    const accessToken = await deps.tokens.issue(account, loginId);
    await accounts.remember(account);
    return { user: toUserView(account), accessToken, refreshToken, expiresInSeconds: deps.tokens.lifetimeSeconds };
  };
}
