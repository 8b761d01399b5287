import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { ApiError } from '../../domain/errors.ts';
import { plainRoute, publicRoute, userRoute, type Route } from '../route.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import type { AccessTokens } from './accessTokens.ts';
import { agentHeadersSchema, agentOf } from './agent.ts';
import { createLogins } from './logins.ts';
import {
  credentialsSchema,
  refreshSchema,
  registrationSchema,
  signedInSchema,
  tokensSchema,
  toUserView,
} from './schemas.ts';
import { loginIdOf } from './loginOf.ts';
import { findAccount, findAccountByPassword, registerUser, type Account } from './users.ts';

interface AuthDeps {
  database: Database;
  tokens: AccessTokens;
  revocations: Revocations;
}

/** Who a caller is: register, log in, refresh, log out (G5). */
export function authRoutes(deps: AuthDeps): Route[] {
  const { database, tokens } = deps;
  const logins = createLogins(deps);

  /** @throws ApiError `invalid_credentials` where the password was replaced since it was held against the account */
  async function signIn(account: Account, agent: string | null): Promise<z.input<typeof signedInSchema>> {
    const login = await logins.begin({ userId: account.id, passwordHash: account.passwordHash, agent });
    if (login === null) throw new ApiError('invalid_credentials');
    const { refreshToken, loginId } = login;
    const accessToken = await tokens.issue(account, loginId);
    return { user: toUserView(account), accessToken, refreshToken, expiresInSeconds: tokens.lifetimeSeconds };
  }

  return [
    publicRoute({
      method: 'post',
      path: '/v1/auth/register',
      tag: 'Accounts',
      summary: 'Create an account and sign in',
      request: { headers: agentHeadersSchema, body: registrationSchema },
      status: 201,
      message: 'Welcome.',
      data: signedInSchema,
      errors: ['email_taken', 'username_taken'],
      handle: async ({ headers, body }, { note }) => {
        const user = await registerUser(database, body);
        note({ user_id: user.id });
        return signIn(user, agentOf(headers));
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/login',
      tag: 'Accounts',
      summary: 'Sign in',
      request: { headers: agentHeadersSchema, body: credentialsSchema },
      message: 'Signed in.',
      data: signedInSchema,
      errors: ['invalid_credentials'],
      handle: async ({ headers, body }, { note }) => {
        const user = await findAccountByPassword(database, body.email, body.password);
        note({ user_id: user.id });
        return signIn(user, agentOf(headers));
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/refresh',
      tag: 'Accounts',
      summary: 'Take a refresh token for new tokens',
      description: 'Each refresh token is good for one refresh. One that comes back later ends the whole log-in.',
      request: { body: refreshSchema },
      message: 'Refreshed.',
      data: tokensSchema,
      errors: ['unauthenticated'],
      handle: async ({ body }, { note }) => {
        const { userId, refreshToken, loginId } = await logins.rotate(body.refreshToken);
        note({ user_id: userId });
        const user = await findAccount(database.asService(), userId);
        if (user === null) throw new ApiError('unauthenticated');
        return {
          accessToken: await tokens.issue(user, loginId),
          refreshToken,
          expiresInSeconds: tokens.lifetimeSeconds,
        };
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/logout',
      tag: 'Accounts',
      summary: 'End the log-in that a refresh token belongs to',
      request: { body: refreshSchema },
      message: 'Signed out.',
      data: z.null(),
      handle: async ({ body }) => {
        await logins.endOfToken(body.refreshToken);
        return null;
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/auth/logout-everywhere',
      tag: 'Accounts',
      summary: 'End every log-in of the caller, this one too',
      request: {},
      message: 'Signed out everywhere.',
      data: z.object({ ended: z.int().describe('How many log-ins this ended.') }).meta({ id: 'LoginsEnded' }),
      errors: ['forbidden'],
      handle: async (_input, { caller }) => {
        loginIdOf(caller);
        return { ended: await logins.end({ userId: caller.userId }) };
      },
    }),

    plainRoute({
      path: '/.well-known/jwks.json',
      tag: 'Accounts',
      summary: 'The public keys that access tokens are signed with',
      contentType: 'application/json',
      headers: { 'Cache-Control': 'public, max-age=300' },
      render: () => JSON.stringify(tokens.jwks),
    }),
  ];
}
