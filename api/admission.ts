import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { ApiError } from '../domain/errors.ts';
import { createAuthenticator, requireLogin, shownIn, type Authenticator } from './auth/authenticate.ts';
import { requirePermission, type Caller } from './auth/caller.ts';
import type { ApiDeps } from './deps.ts';
import { createLimiter } from './limits.ts';
import { networkOf } from './network.ts';
import { stateOf } from './requestState.ts';
import type { BodyCost, PlainRoute, Route } from './route.ts';

/** Who stands at the door of every route: who calls, how often they called, and whether they may. */
export interface Admission {
  /** Comes before the body is read, so that a stranger's ten megabytes are not parsed. */
  admit(route: Route): RequestHandler;
  /**
   * For a route that counts as much as its body holds: counts once the body is read, and as one request what went wrong
   * before that. At the door such a request was only looked at.
   */
  countBody(route: Route, costOf: BodyCost): [ErrorRequestHandler, RequestHandler];
  /** Who was let in; null on a route that anybody may call. */
  callerOf(response: Response): Caller | null;
}

type AdmissionDeps = Pick<ApiDeps, 'rateLimits' | 'metrics' | 'revocations'> &
  Parameters<typeof createAuthenticator>[0];

/** One for all routes of a gateway. */
export function createAdmission(deps: AdmissionDeps): Admission {
  const authenticator = createAuthenticator(deps);
  const limit = createLimiter(deps);
  const callers = new WeakMap<Response, Caller>();

  async function count(
    route: Route,
    request: Request,
    response: Response,
    caller: Caller | null,
    cost: number = costAtDoor(route),
  ): Promise<void> {
    if (route.rateClass === 'unlimited') return;
    await limit({ rateClass: route.rateClass, caller, address: networkOf(request.ip ?? ''), cost }, (name, value) => {
      response.setHeader(name, value);
    });
  }

  const callerOf = (response: Response) => callers.get(response) ?? null;

  return {
    callerOf,
    countBody: (route, costOf) => [
      async (error: unknown, request, response, next) => {
        const isCounted = error instanceof ApiError && error.code === 'rate_limited';
        if (!isCounted) await count(route, request, response, callerOf(response), 1);
        next(error);
      },
      async (request, response, next) => {
        await count(route, request, response, callerOf(response), costOf(request.body));
        next();
      },
    ],
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

function costAtDoor(route: Route): 0 | 1 {
  return route.kind === 'json' && route.costOf !== null ? 0 : 1;
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
