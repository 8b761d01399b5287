import { z } from 'zod';
import { createSecondFactors } from '../auth/secondFactors.ts';
import { secondFactorSchema } from '../auth/schemas.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { createAccounts, type AccountDeps } from './accounts.ts';
import {
  newTotpSchema,
  reauthenticationSchema,
  recoveryCodesSchema,
  totpCodeSchema,
  totpStateSchema,
} from './schemas.ts';

/** The second factor as its owner switches it on and off (G5). */
export function totpRoutes(deps: AccountDeps & Pick<ApiDeps, 'totp'>): Route[] {
  const accounts = createAccounts(deps);
  const secondFactors = createSecondFactors(deps);

  return [
    userRoute({
      method: 'get',
      path: '/v1/me/totp',
      tag: 'Accounts',
      summary: 'Whether the second factor is on',
      request: {},
      message: 'Your second factor.',
      data: totpStateSchema,
      handle: (_input, { caller }) => secondFactors.state(caller.userId),
    }),

    userRoute({
      method: 'post',
      path: '/v1/me/totp',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Begin to use codes of an authenticator app as a second factor',
      description: 'The secret counts once a code of it is confirmed; begun again before that, it is another one.',
      request: { body: reauthenticationSchema },
      status: 201,
      message: 'Put this into your app, then confirm a code of it.',
      data: newTotpSchema,
      errors: ['wrong_password', 'too_many_attempts', 'totp_active'],
      handle: async ({ body }, { caller, address }) => {
        const account = await accounts.withPassword(caller.userId, body.currentPassword, address);
        const { secret, otpauthUrl, qrSvg } = await secondFactors.begin(account);
        return { secret, otpauthUrl, qrSvg };
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/me/totp/confirm',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Switch the second factor on by a code of the app',
      description: 'The answer has ten recovery codes, each good once; they are not shown again.',
      request: { body: totpCodeSchema },
      message: 'The second factor is on. Keep the recovery codes where your telephone is not.',
      data: recoveryCodesSchema,
      errors: ['wrong_code', 'not_found', 'totp_active'],
      handle: async ({ body }, { caller }) => {
        return { recoveryCodes: await secondFactors.confirm(caller.userId, body.code) };
      },
    }),

    userRoute({
      method: 'delete',
      path: '/v1/me/totp',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Switch the second factor off by a code of the app, or a recovery code',
      request: { body: secondFactorSchema },
      message: 'The second factor is off.',
      data: z.null(),
      errors: ['wrong_code', 'too_many_attempts', 'not_found'],
      handle: async ({ body }, { caller, address }) => {
        await secondFactors.remove(await accounts.load(caller.userId), body, address);
        return null;
      },
    }),
  ];
}
