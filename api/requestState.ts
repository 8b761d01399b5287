import { randomUUID } from 'node:crypto';
import type { Response } from 'express';
import type { LogFields } from '../observability/logger.ts';

/** What we keep of a request while it is served. */
export interface RequestState {
  /** Ours alone: one that a client sends is not trusted, since it would let it write into the logs of others. */
  readonly requestId: string;
  /** The pattern of the route, once it is known; ids never enter a metric. */
  route: string;
  /** What the log line of this request says besides; never content. */
  readonly fields: LogFields;
}

const states = new WeakMap<Response, RequestState>();

/** Begins with an id of its own and no route. */
export function beginState(response: Response): RequestState {
  const state = { requestId: newRequestId(), route: 'unknown', fields: {} };
  states.set(response, state);
  return state;
}

/** Node keeps random UUIDs in store, so one costs a fifth of what random bytes do. */
export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`;
}

/** The state of the request that this answers. */
export function stateOf(response: Response): RequestState {
  return states.get(response) ?? beginState(response);
}
