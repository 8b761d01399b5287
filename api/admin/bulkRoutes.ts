import { z } from 'zod';
import { listBulkProgress, readBulkProgress } from '../../db/bulkActions.ts';
import { ApiError } from '../../domain/errors.ts';
import { previewBulk, startBulk, stopBulk } from '../../operations/bulk.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { bulkActionSchema, bulkAnswerSchema, bulkListSchema, newBulkActionSchema } from './bulkSchemas.ts';

const terms = { tag: 'Operations', permission: 'operations:manage' } as const;
const params = z.object({ id: z.uuid() });
/** The most sessions, or actions, that are shown. */
const shownMost = 100;

/** What operators have done to many sessions at once (T5). */
export function bulkRoutes({ database, workflows }: ApiDeps): Route[] {
  const deps = { database, workflows };

  return [
    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/admin/bulk-actions',
      summary: 'Do one thing to many sessions',
      description:
        'First with `dryRun`, which says how many and which; then with `atMost`, which holds it to that. It is about the sessions that fit when it begins, and leaves alone those that no longer do when their turn comes.',
      request: { body: newBulkActionSchema },
      status: 202,
      message: 'It is under way, unless it was a dry run.',
      data: bulkAnswerSchema,
      errors: ['more_than_expected'],
      idempotent: true,
      handle: async ({ body: { filters, dryRun, ...request } }, { caller }) => {
        const found = await previewBulk(deps, filters, shownMost);
        if (dryRun) return { ...found, action: null };
        const action = await startBulk(deps, { ...request, filters, by: { userId: caller.userId } });
        return { ...found, count: action.sessions, action };
      },
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/admin/bulk-actions',
      summary: 'Read the newest actions in bulk',
      request: {},
      message: 'The actions.',
      data: bulkListSchema,
      handle: async () => ({ items: await listBulkProgress(database.asService(), shownMost) }),
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/admin/bulk-actions/{id}',
      summary: 'Read how far an action in bulk is',
      request: { params },
      message: 'The action.',
      data: bulkActionSchema,
      errors: ['not_found'],
      handle: async ({ params: { id } }) => {
        const progress = await readBulkProgress(database.asService(), id);
        if (progress === null) throw new ApiError('not_found');
        return progress;
      },
    }),

    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/admin/bulk-actions/{id}/stop',
      summary: 'Stop an action in bulk',
      description: 'What was done stays done. One that has ended stays as it is.',
      request: { params },
      message: 'It does nothing more.',
      data: bulkActionSchema,
      errors: ['not_found'],
      handle: ({ params: { id } }) => stopBulk(deps, id),
    }),
  ];
}
