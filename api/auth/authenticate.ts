import type { RequestHandler, Response } from 'express';
import { ApiError } from '../../domain/errors.ts';
import type { Permission } from '../../domain/tiers.ts';
import { stateOf } from '../requestState.ts';
import type { AccessTokens } from './accessTokens.ts';
import { requirePermission, type Caller } from './caller.ts';

/** Lets a request through whose bearer token is good and has the permission, and keeps its caller for the route. */
export function authenticate(
  tokens: AccessTokens,
  permission: Permission | undefined,
  callers: WeakMap<Response, Caller>,
): RequestHandler {
  return async (request, response, next) => {
    const [, token] = /^Bearer +([\w.-]+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) throw new ApiError('unauthenticated');
    const caller = await tokens.verify(token);
    stateOf(response).fields.user_id = caller.userId;
    requirePermission(caller, permission);
    callers.set(response, caller);
    next();
  };
}
