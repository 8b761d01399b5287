import { z } from 'zod';
import { ApiError } from '../../domain/errors.ts';
import { createAccounts, type AccountDeps } from '../accounts/accounts.ts';
import type { ApiDeps } from '../deps.ts';
import { plainRoute, publicRoute, userRoute, type Route } from '../route.ts';
import { agentHeadersSchema, agentOf } from './agent.ts';
import { loginIdOf } from './loginOf.ts';
import { createLogins } from './logins.ts';
import { passkeyLoginRoutes } from './passkeyRoutes.ts';
import {
  confirmationSchema,
  credentialsSchema,
  forgottenSchema,
  refreshSchema,
  registrationSchema,
  resetSchema,
  secondFactorLoginSchema,
  signedInSchema,
  tokensSchema,
} from './schemas.ts';
import { createSecondFactors } from './secondFactors.ts';
import { createSigningIn } from './signingIn.ts';

/** Who a caller is: register, log in, refresh, log out (G5), and what is done by links in mails. */
export function authRoutes(deps: AccountDeps & Pick<ApiDeps, 'passkeyChallenges' | 'publicUrl' | 'totp'>): Route[] {
  const { tokens } = deps;
  const accounts = createAccounts(deps);
  const logins = createLogins(deps);
  const secondFactors = createSecondFactors(deps);
  const signIn = createSigningIn(deps);

  return [
    publicRoute({
      method: 'post',
      path: '/v1/auth/register',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Create an account and sign in',
      description: 'A mail with a link comes, by which the e-mail is confirmed.',
      request: { headers: agentHeadersSchema, body: registrationSchema },
      status: 201,
      message: 'Welcome.',
      data: signedInSchema,
      errors: ['email_taken', 'username_taken'],
      handle: async ({ headers, body }, { note }) => {
        const account = await accounts.register(body);
        note({ user_id: account.id });
        const signedIn = await signIn(account, { by: 'password', agent: agentOf(headers) });
        if (signedIn === null) throw new ApiError('internal');
        return signedIn;
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/login',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Sign in',
      description:
        'After a few wrong attempts at an account, or many from an address, each next one has to wait: a second, then twice as long each time, a quarter of an hour at the most. With the second factor on, a right password is answered 401 `second_factor_required`, with the challenge for the next call in `error.details`.',
      request: { headers: agentHeadersSchema, body: credentialsSchema },
      message: 'Signed in.',
      data: signedInSchema,
      errors: ['invalid_credentials', 'second_factor_required', 'too_many_attempts'],
      handle: async ({ headers, body }, { note, address }) => {
        const attempt = async () => {
          const account = await accounts.byPassword(body.email, body.password, address);
          if (account === null) throw new ApiError('invalid_credentials');
          note({ user_id: account.id });
          await secondFactors.askFor(account);
          return signIn(account, { by: 'password', agent: agentOf(headers) });
        };
        // The hash may have been renewed by another log-in at the same time: then the password is still right.
        const signedIn = (await attempt()) ?? (await attempt());
        if (signedIn === null) throw new ApiError('invalid_credentials');
        return signedIn;
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/login/second-factor',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Sign in by the second factor, after the password',
      description: 'Wrong attempts wait as those at the password do. A code is good once, and so is a recovery code.',
      request: { headers: agentHeadersSchema, body: secondFactorLoginSchema },
      message: 'Signed in.',
      data: signedInSchema,
      errors: ['challenge_expired', 'wrong_code', 'too_many_attempts'],
      handle: async ({ headers, body: { challenge, ...shown } }, { note, address }) => {
        const account = await secondFactors.answer(challenge, shown, address);
        note({ user_id: account.id });
        const signedIn = await signIn(account, { by: 'password', agent: agentOf(headers) });
        if (signedIn === null) throw new ApiError('challenge_expired');
        return signedIn;
      },
    }),

    ...passkeyLoginRoutes(deps),

    publicRoute({
      method: 'post',
      path: '/v1/auth/refresh',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Take a refresh token for new tokens',
      description: 'Each refresh token is good for one refresh. One that comes back later ends the whole log-in.',
      request: { body: refreshSchema },
      message: 'Refreshed.',
      data: tokensSchema,
      errors: ['unauthenticated'],
      handle: async ({ body }, { note }) => {
        const { userId, refreshToken, loginId } = await logins.rotate(body.refreshToken);
        note({ user_id: userId });
        const accessToken = await tokens.issue(await accounts.load(userId), loginId);
        return { accessToken, refreshToken, expiresInSeconds: tokens.lifetimeSeconds };
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/logout',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'End the log-in that a refresh token belongs to',
      description: 'Its access tokens are refused from the next request on, and its live connections end.',
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
      rateClass: 'auth',
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

    publicRoute({
      method: 'post',
      path: '/v1/auth/confirm',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Confirm an e-mail by the link that was sent to it',
      request: { body: confirmationSchema },
      message: 'Your e-mail is confirmed.',
      data: z.null(),
      errors: ['link_invalid', 'email_taken'],
      handle: async ({ body }) => {
        await accounts.confirm(body.token);
        return null;
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/password/forgot',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Have a link sent by which to choose a new password',
      description: 'The answer is the same whether the e-mail is known or not.',
      request: { body: forgottenSchema },
      status: 202,
      message: 'If an account has this e-mail, a mail with a link is on its way.',
      data: z.null(),
      errors: ['too_many_attempts'],
      handle: async ({ body }, { address }) => {
        await accounts.forgot(body.email, address);
        return null;
      },
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/password/reset',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Choose a new password by the link that was sent',
      description:
        'The link works once. Every log-in ends. Another e-mail that was asked for is so no longer. Where the e-mail of the account was never confirmed, its API keys, passkeys, second factor and webhooks go too: somebody else may have registered it.',
      request: { body: resetSchema },
      message: 'Your password is set. Sign in with it.',
      data: z.null(),
      errors: ['link_invalid'],
      handle: async ({ body }) => {
        await accounts.reset(body.token, body.newPassword);
        return null;
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
