import { z } from 'zod';
import { listLogins } from '../../db/logins.ts';
import { ApiError } from '../../domain/errors.ts';
import { loginIdOf } from '../auth/loginOf.ts';
import { createLogins } from '../auth/logins.ts';
import { toUserView, userSchema } from '../auth/schemas.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { createAccounts, type AccountDeps } from './accounts.ts';
import { accountPages } from './pages.ts';
import { passkeyRoutes } from './passkeyRoutes.ts';
import { totpRoutes } from './totpRoutes.ts';
import { accountChangeSchema, loginParamsSchema, loginsSchema, passwordChangeSchema, toLoginView } from './schemas.ts';

/** What a person sees and changes of their own account. */
export function accountRoutes(deps: AccountDeps & Pick<ApiDeps, 'passkeyChallenges' | 'publicUrl' | 'totp'>): Route[] {
  const { database } = deps;
  const accounts = createAccounts(deps);
  const logins = createLogins(deps);

  return [
    userRoute({
      method: 'get',
      path: '/v1/me',
      tag: 'Accounts',
      summary: 'The account of the caller',
      permission: 'account:read',
      request: {},
      message: 'Your account.',
      data: userSchema,
      handle: async (_input, { caller }) => toUserView(await accounts.known(caller.userId)),
    }),

    userRoute({
      method: 'patch',
      path: '/v1/me',
      tag: 'Accounts',
      summary: 'Change the username or the e-mail',
      description:
        'Another e-mail needs the password, and counts once it is confirmed by the link that is sent to it; until then the old one does, which is told of it. Where one of both is refused, neither is changed.',
      request: { body: accountChangeSchema },
      message: 'Your account.',
      data: userSchema,
      errors: ['forbidden', 'wrong_password', 'too_many_attempts', 'username_taken', 'email_taken'],
      handle: async ({ body }, { caller, address }) => {
        loginIdOf(caller);
        const { currentPassword, ...change } = body;
        const account =
          change.email === undefined
            ? await accounts.load(caller.userId)
            : await accounts.withPassword(caller.userId, currentPassword ?? '', address);
        await accounts.change(account, change, address);
        return toUserView(await accounts.remember(await accounts.load(caller.userId)));
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/me/password',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Change the password',
      description: 'Every other log-in ends; this one goes on. Another e-mail that was asked for is so no longer.',
      request: { body: passwordChangeSchema },
      message: 'Your password is changed.',
      data: z.null(),
      errors: ['forbidden', 'wrong_password', 'too_many_attempts'],
      handle: async ({ body }, { caller, address }) => {
        const loginId = loginIdOf(caller);
        const account = await accounts.withPassword(caller.userId, body.currentPassword, address);
        await accounts.changePassword(account, body.newPassword, loginId);
        return null;
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/me/email/confirmation',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Have the link sent again by which the e-mail is confirmed',
      request: {},
      status: 202,
      message: 'If something is to be confirmed, a mail with a link is on its way.',
      data: z.null(),
      errors: ['forbidden', 'too_many_attempts'],
      handle: async (_input, { caller, address }) => {
        loginIdOf(caller);
        await accounts.sendConfirmation(caller.userId, address);
        return null;
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/me/logins',
      tag: 'Accounts',
      summary: 'Where the caller is signed in',
      request: {},
      message: 'Your log-ins.',
      data: loginsSchema,
      errors: ['forbidden'],
      handle: async (_input, { caller }) => {
        const current = loginIdOf(caller);
        const found = await listLogins(database.asUser(caller.userId), new Date());
        return { items: found.map((login) => toLoginView(login, current)) };
      },
    }),

    userRoute({
      method: 'delete',
      path: '/v1/me/logins/{id}',
      tag: 'Accounts',
      summary: 'End one log-in',
      description: 'Its access tokens are refused from the next request on, and its live connections end.',
      request: { params: loginParamsSchema },
      message: 'Signed out there.',
      data: z.null(),
      errors: ['forbidden', 'not_found'],
      handle: async ({ params }, { caller }) => {
        loginIdOf(caller);
        const ended = await logins.end({ userId: caller.userId, loginId: params.id });
        if (ended === 0) throw new ApiError('not_found');
        return null;
      },
    }),

    ...totpRoutes(deps),
    ...passkeyRoutes(deps),
    ...accountPages,
  ];
}
