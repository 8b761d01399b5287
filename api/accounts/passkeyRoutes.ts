import { z } from 'zod';
import { deletePasskey, listPasskeys, renamePasskey } from '../../db/passkeys.ts';
import { ApiError } from '../../domain/errors.ts';
import { createPasskeys } from '../auth/passkeys.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { createAccounts, type AccountDeps } from './accounts.ts';
import {
  newPasskeySchema,
  passkeyChangeSchema,
  passkeyCreationSchema,
  passkeyParamsSchema,
  passkeySchema,
  passkeysSchema,
  reauthenticationSchema,
  toPasskeyView,
} from './schemas.ts';

/** The passkeys of a person (G5). */
export function passkeyRoutes(deps: AccountDeps & Pick<ApiDeps, 'passkeyChallenges' | 'publicUrl'>): Route[] {
  const { database, notices } = deps;
  const accounts = createAccounts(deps);
  const passkeys = createPasskeys(deps);

  return [
    userRoute({
      method: 'get',
      path: '/v1/me/passkeys',
      tag: 'Accounts',
      summary: 'The passkeys of the caller',
      request: {},
      message: 'Your passkeys.',
      data: passkeysSchema,
      handle: async (_input, { caller }) => {
        return { items: (await listPasskeys(database.asUser(caller.userId))).map(toPasskeyView) };
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/me/passkeys/options',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Begin to add a passkey',
      description:
        'Hand the answer to `PublicKeyCredential.parseCreationOptionsFromJSON` and then to `navigator.credentials.create`. Its challenge is good once, for five minutes.',
      request: { body: reauthenticationSchema },
      message: 'Make the passkey.',
      data: passkeyCreationSchema,
      errors: ['wrong_password', 'too_many_attempts', 'temporarily_unavailable'],
      handle: async ({ body }, { caller, address }) => {
        const account = await accounts.withPassword(caller.userId, body.currentPassword, address);
        return { ...(await passkeys.registrationOptions(account)) };
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/me/passkeys',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Add the passkey that was made',
      description: 'Up to 20 an account.',
      request: { body: newPasskeySchema },
      status: 201,
      message: 'You can sign in by this passkey.',
      data: passkeySchema,
      errors: ['passkey_refused', 'passkey_taken', 'too_many_passkeys', 'temporarily_unavailable'],
      handle: async ({ body }, { caller }) => {
        return toPasskeyView(await passkeys.register(caller.userId, body.label, body.credential));
      },
    }),

    userRoute({
      method: 'patch',
      path: '/v1/me/passkeys/{id}',
      tag: 'Accounts',
      summary: 'Call a passkey something else',
      request: { params: passkeyParamsSchema, body: passkeyChangeSchema },
      message: 'The passkey.',
      data: passkeySchema,
      errors: ['not_found'],
      handle: async ({ params, body }, { caller }) => {
        const renamed = await renamePasskey(database.asUser(caller.userId), params.id, body.label);
        if (renamed === null) throw new ApiError('not_found');
        return toPasskeyView(renamed);
      },
    }),

    userRoute({
      method: 'delete',
      path: '/v1/me/passkeys/{id}',
      tag: 'Accounts',
      summary: 'Take a passkey from the account',
      description: 'Nobody signs in by it any more; log-ins that it began go on until they are ended.',
      request: { params: passkeyParamsSchema },
      message: 'The passkey is gone.',
      data: z.null(),
      errors: ['not_found'],
      handle: async ({ params }, { caller }) => {
        await notices.changeAccess(database.asUser(caller.userId), caller.userId, async (em, tell) => {
          if (!(await deletePasskey(em, params.id))) throw new ApiError('not_found');
          await tell('passkey_removed');
        });
        return null;
      },
    }),
  ];
}
