import { v7 as uuidV7 } from 'uuid';
import { z } from 'zod';
import { addApiKey, changeApiKey, listApiKeys, removeApiKey } from '../../db/apiKeys.ts';
import { ApiError } from '../../domain/errors.ts';
import type { KeyPermission } from '../../domain/tiers.ts';
import { newApiKey } from '../auth/apiKeys.ts';
import { requirePermission, type Caller } from '../auth/caller.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { keyChangeSchema, keyListSchema, keyParamsSchema, keySchema, madeKeySchema, newKeySchema } from './schemas.ts';

const terms = { tag: 'Accounts', permission: 'key:manage' } as const;

/** API keys: an account makes them for programs, each for a part of what the account may do (G5). */
export function keyRoutes({ database, notices, systemConfig, revocations }: ApiDeps): Route[] {
  return [
    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/me/keys',
      summary: 'Make an API key',
      description:
        'The key is shown this once, or to a repeated request with the same Idempotency-Key. Programs send it as `X-API-Key`.',
      idempotent: true,
      request: { body: newKeySchema },
      status: 201,
      message: 'The key was made. It is not shown again.',
      data: madeKeySchema,
      errors: ['too_many_keys'],
      handle: async ({ body }, { caller }) => {
        requireAll(caller, body.permissions);
        const { tiers } = await systemConfig.current();
        const { secret, keyHash, prefix } = newApiKey();
        return notices.changeAccess(database.asUser(caller.userId), caller.userId, async (em, tell) => {
          const key = { id: uuidV7(), userId: caller.userId, keyHash, prefix, ...body };
          const made = await addApiKey(em, key, tiers[caller.tier].apiKeys);
          if (made === null) throw new ApiError('too_many_keys');
          await tell('api_key_made');
          return { ...made, key: secret };
        });
      },
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/me/keys',
      summary: 'List the API keys of the account',
      request: {},
      message: 'Your keys.',
      data: keyListSchema,
      handle: async (_input, { caller }) => ({ items: await listApiKeys(database.asUser(caller.userId)) }),
    }),

    userRoute({
      ...terms,
      method: 'patch',
      path: '/v1/me/keys/{id}',
      summary: 'Change the name, the permissions or the end of an API key',
      description:
        'What is named is replaced; the rest stays. It counts from the next request on; other permissions or another end close the live connections that the key opened.',
      request: { params: keyParamsSchema, body: keyChangeSchema },
      message: 'The key was changed.',
      data: keySchema,
      errors: ['not_found'],
      handle: async ({ params, body }, { caller }) => {
        requireAll(caller, body.permissions ?? []);
        const opensOtherwise = body.permissions !== undefined || body.expiresAt !== undefined;
        const changed = await notices.changeAccess(database.asUser(caller.userId), caller.userId, async (em, tell) => {
          const key = await changeApiKey(em, params.id, body);
          if (key === null) throw new ApiError('not_found');
          if (opensOtherwise) await tell('api_key_changed');
          return key;
        });
        // Who is connected was let in by what the key was.
        if (opensOtherwise) await revocations.announce([params.id]);
        return changed;
      },
    }),

    userRoute({
      ...terms,
      method: 'delete',
      path: '/v1/me/keys/{id}',
      summary: 'Revoke an API key',
      description:
        'No request that begins after the answer is let in by it, and the live connections that it opened are closed.',
      request: { params: keyParamsSchema },
      message: 'The key was revoked.',
      data: z.null(),
      errors: ['not_found'],
      handle: async ({ params }, { caller }) => {
        await notices.changeAccess(database.asUser(caller.userId), caller.userId, async (em, tell) => {
          if (!(await removeApiKey(em, params.id))) throw new ApiError('not_found');
          await tell('api_key_revoked');
        });
        await revocations.announce([params.id]);
        return null;
      },
    }),
  ];
}

/** Nobody hands on what they do not have. @throws ApiError `forbidden` */
function requireAll(caller: Caller, wanted: readonly KeyPermission[]): void {
  for (const permission of wanted) requirePermission(caller, permission);
}
