import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { claimKey, keepAnswer, releaseKey, sweepKeys, type KeyedRequest } from '../db/idempotencyKeys.ts';
import { ApiError } from '../domain/errors.ts';
import type { ContentKeys } from '../integrations/contentKeys.ts';
import { keyIdOf, ObjectCorruptError, seal, unseal } from '../integrations/sealing.ts';
import type { Logger } from '../observability/logger.ts';
import { fingerprintOf } from './identity.ts';
import type { RouteAnswer } from './route.ts';

/**
 * How a POST that creates is safe to repeat (docs/decisions/15-idempotency.md): the first request under a key is
 * served and its answer kept for a day; the same request again gets that answer.
 */

/** Names one request to create; sending it again with the same key and body answers the same. */
export const idempotencyHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
    .optional()
    .describe('Makes the request safe to repeat: the same key and body answer the same.'),
});

const requestSchema = z.object({ headers: idempotencyHeadersSchema });

/** @throws z.ZodError */
export function idempotencyKeyOf(headers: unknown): string | undefined {
  return requestSchema.parse({ headers }).headers['idempotency-key'];
}

/** A request under its key. */
export interface RepeatableRequest {
  userId: string;
  key: string;
  method: string;
  path: string;
  body: unknown;
}

/** What a repeated request gets again. */
const answerSchema = z.object({ data: z.json(), headers: z.record(z.string(), z.string()) });

export interface Idempotency {
  /**
   * Serves the request, or answers what it was answered before, marked by the header `Idempotency-Replayed`.
   *
   * @throws ApiError `request_in_flight`, `idempotency_key_reused`, and whatever `serve` throws: what came to nothing
   * is not kept
   */
  once(request: RepeatableRequest, serve: () => Promise<RouteAnswer>): Promise<RouteAnswer>;
}

interface IdempotencyDeps {
  database: Database;
  contentKeys: ContentKeys;
  /** Keys the hash by which a repeated request is recognised. */
  idempotencySecret: string;
  logger: Logger;
}

/** Keeps under each key a keyed hash of the request and its sealed answer, in PostgreSQL. */
export function createIdempotency(deps: IdempotencyDeps): Idempotency {
  const { database, contentKeys, idempotencySecret, logger } = deps;

  /** The answer goes to the client even where it cannot be kept: what was asked for is done. */
  async function keep(userId: string, keyed: KeyedRequest, answer: RouteAnswer): Promise<void> {
    try {
      const bytes = Buffer.from(JSON.stringify(answer));
      const sealed = await seal(bytes, nameOf(userId, keyed), [await contentKeys.of(userId)]);
      await keepAnswer(database.asUser(userId), userId, keyed, sealed);
      await sweepKeys(database.asService());
    } catch (error) {
      logger.error({ user_id: userId, error }, 'an answer could not be kept for its Idempotency-Key');
    }
  }

  async function open(userId: string, keyed: KeyedRequest, sealed: Uint8Array): Promise<RouteAnswer> {
    const key = await contentKeys.find(keyIdOf(sealed) ?? '');
    if (key === undefined) throw new ObjectCorruptError('The key that sealed this answer is gone.');
    const bytes = await unseal(sealed, nameOf(userId, keyed), [key]);
    return answerSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  }

  return {
    async once({ userId, key, ...request }, serve) {
      const keyed: KeyedRequest = {
        keyHash: fingerprintOf(key, idempotencySecret),
        fingerprint: fingerprintOf(request, idempotencySecret),
        claim: randomUUID(),
      };
      const state = await claimKey(database.asUser(userId), userId, keyed);
      switch (state.kind) {
        case 'in_flight':
          throw new ApiError('request_in_flight');
        case 'other_request':
          throw new ApiError('idempotency_key_reused');
        case 'answered': {
          const { data, headers } = await open(userId, keyed, state.answer);
          return { data, headers: { ...headers, 'Idempotency-Replayed': 'true' } };
        }
        case 'claimed': {
          const answer = await serve().catch(async (error: unknown) => {
            await releaseKey(database.asUser(userId), userId, keyed);
            throw error;
          });
          await keep(userId, keyed, answer);
          return answer;
        }
      }
    },
  };
}

/** What an answer is sealed under: one that is moved to another key does not open. */
function nameOf(userId: string, { keyHash }: KeyedRequest): string {
  return `idempotency/${userId}/${keyHash}`;
}
