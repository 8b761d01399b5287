import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { ApiError } from '../../domain/errors.ts';
import { plainRoute, publicRoute, userRoute, type Route } from '../route.ts';
import type { AccessTokens } from './accessTokens.ts';
import { createRefreshTokens } from './refreshTokens.ts';
import {
  credentialsSchema,
  refreshSchema,
  registrationSchema,
  signedInSchema,
  tokensSchema,
  toUserView,
  userSchema,
} from './schemas.ts';
import { findAccount, findAccountByPassword, registerUser, type Account } from './users.ts';

/** Who a caller is: register, log in, refresh, log out (G5). */
export function authRoutes({ database, tokens }: { database: Database; tokens: AccessTokens }): Route[] {
  const refreshTokens = createRefreshTokens(database);

  async function signIn(user: Account): Promise<z.input<typeof signedInSchema>> {
    const { refreshToken, loginId } = await refreshTokens.issue(user.id);
    const accessToken = await tokens.issue(user, loginId);
    return { user: toUserView(user), accessToken, refreshToken, expiresInSeconds: tokens.lifetimeSeconds };
  }

  return [
    publicRoute({
      method: 'post',
      path: '/v1/auth/register',
      tag: 'Accounts',
      summary: 'Create an account and sign in',
      request: { body: registrationSchema },
      status: 201,
      message: 'Welcome.',
      data: signedInSchema,
      errors: ['email_taken', 'username_taken'],
      handle: async ({ body }, { note }) => {
        const user = await registerUser(database, body);
        note({ user_id: user.id });
        return signIn(user);
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/login',
      tag: 'Accounts',
      summary: 'Sign in',
      request: { body: credentialsSchema },
      message: 'Signed in.',
      data: signedInSchema,
      errors: ['invalid_credentials'],
      handle: async ({ body }, { note }) => {
        const user = await findAccountByPassword(database, body.email, body.password);
        note({ user_id: user.id });
        return signIn(user);
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
        const { userId, refreshToken, loginId } = await refreshTokens.rotate(body.refreshToken);
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
        await refreshTokens.revoke(body.refreshToken);
        return null;
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/me',
      tag: 'Accounts',
      summary: 'The account of the caller',
      request: {},
      message: 'Your account.',
      data: userSchema,
      handle: async (_input, { caller }) => {
        const user = await findAccount(database.asUser(caller.userId), caller.userId);
        // The account was deleted while its token was still good.
        if (user === null) throw new ApiError('unauthenticated');
        return toUserView(user);
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
