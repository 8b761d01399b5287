import type { RequestHandler, Response } from 'express';
import { ApiError } from '../../domain/errors.ts';
import type { Permission } from '../../domain/tiers.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import { stateOf } from '../requestState.ts';
import type { AccessTokens } from './accessTokens.ts';
import { requirePermission, type Caller } from './caller.ts';

/** Lets a request through whose bearer token is good and has the permission, and keeps its caller for the route. */
export function authenticate(
  { tokens, revocations }: { tokens: AccessTokens; revocations: Revocations },
  permission: Permission | undefined,
  callers: WeakMap<Response, Caller>,
): RequestHandler {
  return async (request, response, next) => {
    const [, token] = /^Bearer +([\w.-]+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) throw new ApiError('unauthenticated');
    const caller = await tokens.verify(token);
    stateOf(response).fields.user_id = caller.userId;
    await requireLogin(revocations, caller);
    requirePermission(caller, permission);
    callers.set(response, caller);
    next();
  };
}

/** An access token outlives its log-in by minutes, so whether that has ended is asked each time. @throws ApiError `unauthenticated` */
export async function requireLogin(revocations: Revocations, { userId, credential }: Caller): Promise<void> {
  if (credential.kind !== 'access_token') return;
  if (await revocations.isRevoked({ userId, loginId: credential.loginId })) throw new ApiError('unauthenticated');
}
