import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { deleteShare, findShared, insertShare, listShares } from '../../db/sessionShares.ts';
import { ApiError } from '../../domain/errors.ts';
import { secondMs } from '../../domain/time.ts';
import { newSecret, secretHash } from '../auth/secrets.ts';
import type { ApiDeps } from '../deps.ts';
import { publicRoute, userRoute, type Route } from '../route.ts';
import type { SessionReader } from './reading.ts';
import { resultsSchema, sessionParamsSchema, sessionSchema } from './schemas.ts';

const daySeconds = 86_400;

const newShareSchema = z
  .strictObject({
    expiresInSeconds: z
      .int()
      .min(60)
      .max(365 * daySeconds)
      .default(7 * daySeconds),
  })
  .meta({ id: 'NewShare' });

const shareSchema = z
  .object({ id: z.uuid(), createdAt: z.iso.datetime(), expiresAt: z.iso.datetime() })
  .meta({ id: 'Share' });

const createdShareSchema = shareSchema
  .extend({
    token: z
      .string()
      .describe('Shown this once. Whoever has it reads the session at /v1/shared/{token}, and follows it live.'),
  })
  .meta({ id: 'CreatedShare' });

const shareParamsSchema = sessionParamsSchema.extend({ shareId: z.uuid() });
const tokenParamsSchema = z.object({ token: z.string().max(200) });

const sharedSessionSchema = sessionSchema
  .omit({ userId: true, metadata: true, stuck: true })
  .meta({ id: 'SharedSession', description: 'The session without what is between its owner and the platform.' });

const sharedSchema = z
  .object({
    session: sharedSessionSchema,
    results: resultsSchema.shape.results.nullable().describe('Null until the analysis is done.'),
    expiresAt: z.iso.datetime().describe('Until when the link leads here.'),
  })
  .meta({ id: 'Shared' });

/** Links by which a session is read without an account: made, listed and taken back by its owner. */
export function sharingRoutes(
  { database, revocations }: Pick<ApiDeps, 'database' | 'revocations'>,
  reader: SessionReader,
): Route[] {
  const owners = { tag: 'Sessions', permission: 'session:share' } as const;
  return [
    userRoute({
      ...owners,
      method: 'post',
      path: '/v1/sessions/{id}/shares',
      summary: 'Share a session by a link',
      description:
        'Whoever has the link reads the session and its results, and follows it live, until it expires or is taken back. Up to 100 a session at once.',
      idempotent: true,
      request: { params: sessionParamsSchema, body: newShareSchema },
      status: 201,
      message: 'The link was made. Its token is shown this once.',
      data: createdShareSchema,
      errors: ['not_found', 'too_many_shares'],
      handle: async ({ params, body }, { caller, note }) => {
        note({ session_id: params.id });
        const token = newSecret();
        const createdAt = new Date();
        const expiresAt = new Date(createdAt.getTime() + body.expiresInSeconds * secondMs);
        const share = { id: randomUUID(), sessionId: params.id, tokenHash: secretHash(token), createdAt, expiresAt };
        const stored = await insertShare(database.asUser(caller.userId), share);
        if (stored === 'no_session') throw new ApiError('not_found');
        if (stored === 'full') throw new ApiError('too_many_shares');
        return { ...toView(share), token };
      },
    }),

    userRoute({
      ...owners,
      method: 'get',
      path: '/v1/sessions/{id}/shares',
      summary: 'List the links of a session',
      request: { params: sessionParamsSchema },
      message: 'The links that lead to the session.',
      data: z.object({ items: z.array(shareSchema).describe('Newest first.') }),
      errors: ['not_found'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        const { id } = await reader.find(caller, params.id);
        return { items: (await listShares(database.asUser(caller.userId), id)).map(toView) };
      },
    }),

    userRoute({
      ...owners,
      method: 'delete',
      path: '/v1/sessions/{id}/shares/{shareId}',
      summary: 'Take a link back',
      request: { params: shareParamsSchema },
      message: 'The link leads nowhere any more.',
      data: z.null(),
      errors: ['not_found'],
      handle: async ({ params: { id, shareId } }, { caller, note }) => {
        note({ session_id: id });
        if (!(await deleteShare(database.asUser(caller.userId), id, shareId))) throw new ApiError('not_found');
        await revocations.announce([shareId]);
        return null;
      },
    }),

    publicRoute({
      method: 'get',
      path: '/v1/shared/{token}',
      tag: 'Sessions',
      summary: 'Read a shared session and its results',
      request: { params: tokenParamsSchema },
      message: 'The session that was shared.',
      data: sharedSchema,
      errors: ['not_found'],
      handle: async ({ params }, { note }) => {
        const shared = await findShared(database.asService(), secretHash(params.token));
        if (shared === null) throw new ApiError('not_found');
        note({ session_id: shared.sessionId });
        const { view } = await reader.read(shared, shared.sessionId);
        const session = sharedSessionSchema.parse(view.opened(sessionSchema));
        return { session, results: await resultsOf(shared), expiresAt: shared.expiresAt };
      },
    }),
  ];

  async function resultsOf(shared: { userId: string; sessionId: string }) {
    try {
      return (await reader.results(shared, shared.sessionId)).view.opened(resultsSchema).results;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'results_not_ready') return null;
      throw error;
    }
  }
}

function toView({ id, createdAt, expiresAt }: { id: string; createdAt: Date; expiresAt: Date }) {
  return { id, createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() };
}
