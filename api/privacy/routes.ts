import { v4 as uuidV4 } from 'uuid';
import { findErasure, requestErasure } from '../../db/accountErasures.ts';
import { newestExport, requestExport, type AccountExport } from '../../db/accountExports.ts';
import { tables } from '../../domain/dataClasses.ts';
import { ApiError } from '../../domain/errors.ts';
import { closeDoors } from '../../operations/erasures.ts';
import { WorkflowUnavailableError } from '../../temporal/client.ts';
import { createAccounts } from '../accounts/accounts.ts';
import type { ApiDeps } from '../deps.ts';
import { publicRoute, userRoute, type Route } from '../route.ts';
import {
  erasureParamsSchema,
  erasureRequestSchema,
  erasureSchema,
  exportSchema,
  toErasureView,
  toExportView,
} from './schemas.ts';

/** What is kept of an account after its erasure. */
const kept = Object.entries(tables).flatMap(([table, { owner, erasure }]) =>
  owner === null || erasure === 'delete' ? [] : [{ table, reason: erasure.keep }],
);

/** What a person can have of their data: all of it in an archive, and all of it erased (I5). */
export function privacyRoutes(deps: ApiDeps): Route[] {
  const { archives, database, logger, workflows } = deps;
  const accounts = createAccounts(deps);
  const exportView = async (row: AccountExport) => {
    const url = row.state === 'ready' ? await archives.link({ userId: row.userId, exportId: row.id }) : null;
    return toExportView(row, url);
  };

  /** While Temporal is gone it stays written down, and the search for what does not go on by itself begins it (T4). */
  async function begin(userId: string): Promise<void> {
    try {
      await workflows.eraseAccount({ userId });
    } catch (error) {
      if (!(error instanceof WorkflowUnavailableError)) throw error;
      logger.warn({ user_id: userId, error }, 'the erasure of an account could not be begun yet');
    }
  }

  return [
    userRoute({
      method: 'post',
      path: '/v1/me/export',
      tag: 'Accounts',
      summary: 'Have an archive made of everything that is held of you',
      description: 'One archive is made at a time: asked again meanwhile, it answers the one under way.',
      request: {},
      status: 202,
      message: 'The archive is being made.',
      data: exportSchema,
      handle: async (_input, { caller: { userId } }) => {
        const row = await requestExport(database.asUser(userId), userId, uuidV4());
        await workflows.exportAccount({ userId, exportId: row.id });
        return exportView(row);
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/me/export',
      tag: 'Accounts',
      summary: 'The newest archive of your data, and how far its making is',
      request: {},
      message: 'Your archive.',
      data: exportSchema,
      errors: ['not_found'],
      handle: async (_input, { caller: { userId } }) => {
        const row = await newestExport(database.asUser(userId), userId);
        if (row === null) throw new ApiError('not_found');
        return exportView(row);
      },
    }),

    userRoute({
      method: 'delete',
      path: '/v1/me',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Erase your account and everything that belongs to it',
      description:
        'It cannot be undone, and begins at once: nobody can sign in any more, and every session goes. The answer’s id is what the receipt can be read by.',
      request: { body: erasureRequestSchema },
      status: 202,
      message: 'The account is being erased.',
      data: erasureSchema,
      errors: ['wrong_password', 'too_many_attempts'],
      handle: async ({ body }, { caller: { userId }, address }) => {
        const account = await accounts.withPassword(userId, body.password, address);
        const erasure = await requestErasure(database.asService(), account, uuidV4());
        if (erasure === null) throw new ApiError('wrong_password');
        await closeDoors(deps, userId);
        await begin(userId);
        return toErasureView(erasure, kept);
      },
    }),

    publicRoute({
      method: 'get',
      path: '/v1/erasures/{id}',
      tag: 'Accounts',
      summary: 'The receipt of an erasure',
      description: 'It names nobody. Whoever knows its id may read it.',
      request: { params: erasureParamsSchema },
      message: 'The receipt.',
      data: erasureSchema,
      errors: ['not_found'],
      handle: async ({ params }) => {
        const erasure = await findErasure(database.asService(), params.id);
        if (erasure === null) throw new ApiError('not_found');
        return toErasureView(erasure, kept);
      },
    }),
  ];
}
