import { io } from 'socket.io-client';
import { z } from 'zod';
import type { SessionUpdate } from '../domain/events.ts';
import { resultTypes } from '../domain/results.ts';
import { isTerminal, sessionStatuses, sessionTypes } from '../domain/session.ts';
import { secondMs } from '../domain/time.ts';

/** What the demonstration uses of the API, over the wire as any client would. */

const envelope = z.object({ success: z.boolean(), data: z.unknown(), message: z.string() });
const account = z.object({ accessToken: z.string(), user: z.object({ id: z.uuid() }) });
const session = z.object({ id: z.uuid(), sessionType: z.enum(sessionTypes), status: z.enum(sessionStatuses) });
const results = z.object({
  results: z.array(z.object({ resultType: z.enum(resultTypes), confidenceScore: z.number(), data: z.unknown() })),
});

export type SessionResult = z.infer<typeof results>['results'][number];

/** Thrown when the API answers that something is not as it should be. */
class ApiAnswerError extends Error {
  override readonly name = 'ApiAnswerError';
}

/** @param apiUrl the origin of the gateway, without `/v1` */
export function createApiClient(apiUrl: string) {
  async function call<T>(
    schema: z.ZodType<T>,
    method: string,
    path: string,
    { body, token, idempotencyKey }: { body?: unknown; token?: string; idempotencyKey?: string | undefined },
  ): Promise<T> {
    const response = await fetch(`${apiUrl}/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = envelope.parse(await response.json());
    if (!answer.success) throw new ApiAnswerError(`${method} ${path} answered ${response.status}: ${answer.message}`);
    return schema.parse(answer.data);
  }

  return {
    register: (person: { email: string; username: string; password: string }) =>
      call(account, 'POST', '/auth/register', { body: person }),
    createSession: (token: string, body: unknown, idempotencyKey?: string) =>
      call(session, 'POST', '/sessions', { body, token, idempotencyKey }),
    session: (token: string, id: string) => call(session, 'GET', `/sessions/${id}`, { token }),
    results: async (token: string, id: string) =>
      (await call(results, 'GET', `/sessions/${id}/results`, { token })).results,

    /**
     * Watches a session over the live connection from its first event until it ends or parks.
     *
     * @throws when that takes longer than `patienceMs`, or the connection is refused.
     */
    follow: (
      token: string,
      sessionId: string,
      patienceMs: number,
      onUpdate: (update: SessionUpdate) => void = () => undefined,
    ) =>
      new Promise<SessionUpdate[]>((resolve, reject) => {
        const updates: SessionUpdate[] = [];
        const socket = io(apiUrl, { path: '/v1/ws', auth: { token }, transports: ['websocket'], forceNew: true });
        const end = (settle: () => void): void => {
          clearTimeout(timer);
          socket.disconnect();
          settle();
        };
        const timer = setTimeout(() => {
          end(() => {
            reject(new Error(`Session ${sessionId} did not end within ${patienceMs / secondMs} seconds`));
          });
        }, patienceMs);
        socket.on('connect_error', (error) => {
          end(() => {
            reject(error);
          });
        });
        socket.on('connect', () => {
          socket.emit('subscribe', { sessionId, after: updates.length });
        });
        socket.on('session_update', (update: SessionUpdate) => {
          updates.push(update);
          onUpdate(update);
          if (!isTerminal(update.data.status) && update.data.event !== 'stuck') return;
          end(() => {
            resolve(updates);
          });
        });
      }),
  };
}
