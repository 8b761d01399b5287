import pMap from 'p-map';
import { z } from 'zod';
import { errorTable } from '../../domain/errors.ts';
import type { Caller } from '../auth/caller.ts';
import { failureOf } from '../envelope.ts';
import { toApiError } from '../errors.ts';
import { createSession, type CreateDeps } from './creating.ts';
import { newSessionSchema, sessionSummarySchema, type BulkItemView, type BulkRequest } from './schemas.ts';

/** How many sessions of one request are created at once: enough to be quick, too few to keep others waiting. */
const atOnce = 8;

const itemSchema = z.object({ body: newSessionSchema });

/**
 * Creates many sessions, each as if it had come alone: one that is refused does not keep the others back. Under an
 * Idempotency-Key each place in the list names one session, so the same list can be sent again until all are there.
 */
export async function createSessions(
  deps: CreateDeps,
  caller: Caller,
  { sessions }: BulkRequest,
  idempotencyKey: string | undefined,
): Promise<BulkItemView[]> {
  async function create(session: unknown, index: number): Promise<BulkItemView> {
    try {
      const { body } = itemSchema.parse({ body: session });
      const key = idempotencyKey === undefined ? undefined : keyOfPlace(idempotencyKey, index);
      const { view } = await createSession(deps, caller, body, key);
      return { status: 201, session: sessionSummarySchema.parse(view) };
    } catch (error) {
      const apiError = toApiError(error);
      const { status } = errorTable[apiError.code];
      if (status >= 500) deps.logger.error({ user_id: caller.userId, error }, 'a session of a list was not created');
      return { status, error: failureOf(apiError) };
    }
  }
  return pMap(sessions, create, { concurrency: atOnce });
}

/** No client can send this key: it holds a line break. */
function keyOfPlace(key: string, index: number): string {
  return `${key}\n${index}`;
}
