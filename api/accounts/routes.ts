import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { listLogins } from '../../db/logins.ts';
import { ApiError } from '../../domain/errors.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import { loginIdOf } from '../auth/loginOf.ts';
import { createLogins } from '../auth/logins.ts';
import { toUserView, userSchema } from '../auth/schemas.ts';
import { findAccount } from '../auth/users.ts';
import { userRoute, type Route } from '../route.ts';
import { loginParamsSchema, loginsSchema, toLoginView } from './schemas.ts';

interface AccountDeps {
  database: Database;
  revocations: Revocations;
}

/** What a person sees and changes of their own account. */
export function accountRoutes(deps: AccountDeps): Route[] {
  const { database } = deps;
  const logins = createLogins(deps);

  return [
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
  ];
}
