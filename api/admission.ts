import type { Request, RequestHandler, Response } from 'express';
import { ApiError } from '../domain/errors.ts';
import { createAuthenticator, requireLogin, shownIn, type Authenticator } from './auth/authenticate.ts';
import { requirePermission, type Caller } from './auth/caller.ts';
import type { ApiDeps } from './deps.ts';
import { createLimiter } from './limits.ts';
import { networkOf } from './network.ts';
import { stateOf } from './requestState.ts';
import type { PlainRoute, Route } from './route.ts';

/** Who stands at the door of every route: who calls, how often they called, and whether they may. */
export interface Admission {
  /** Comes before the body is read, so that a stranger's ten megabytes are not parsed. */
  admit(route: Route): RequestHandler;
  /** Who was let in; null on a route that anybody may call. */
  callerOf(response: Response): Caller | null;
}

type AdmissionDeps = Pick<ApiDeps, 'rateLimits' | 'metrics' | 'revocations'> &
  Parameters<typeof createAuthenticator>[0];

export function createAdmission(deps: AdmissionDeps): Admission {
  const authenticator = createAuthenticator(deps);
  const limit = createLimiter(deps);
  const callers = new WeakMap<Response, Caller>();

  async function count(route: Route, request: Request, response: Response, caller: Caller | null): Promise<void> {
    if (route.rateClass === 'unlimited') return;
    await limit({ rateClass: route.rateClass, caller, address: networkOf(request.ip ?? '') }, (name, value) => {
      response.setHeader(name, value);
    });
  }

  return {
    callerOf: (response) => callers.get(response) ?? null,
    admit: (route) => async (request, response, next) => {
      if (route.kind === 'plain' || route.access === 'public') {
        await count(route, request, response, null);
        next();
        return;
      }
      const caller = await identify(authenticator, route, request);
      if (caller instanceof ApiError) {
        await count(route, request, response, null);
        throw caller;
      }
      stateOf(response).fields.user_id = caller.userId;
      // Asked together, so that both go to Redis in one round trip.
      await Promise.all([count(route, request, response, caller), requireLogin(deps.revocations, caller)]);
      requirePermission(caller, route.access.permission);
      callers.set(response, caller);
      next();
    },
  };
}

/** A refusal is no exception here: who is refused is counted too, so that credentials cannot be tried at will. */
async function identify(
  authenticator: Authenticator,
  route: Exclude<Route, PlainRoute>,
  { headers }: Request,
): Promise<Caller | ApiError> {
  try {
    const shown = shownIn(headers);
    const showsNothing = shown.accessToken === undefined && shown.apiKey === undefined;
    if (showsNothing && route.kind === 'json' && route.byCookie !== null) return await route.byCookie(headers);
    return await authenticator.identify(shown);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
