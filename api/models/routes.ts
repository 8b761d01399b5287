import type { EntityManager } from '@mikro-orm/postgresql';
import {
  findModel,
  listVersions,
  NoEarlierVersionError,
  promote,
  rollback,
  setCanary,
  setShadow,
  UnfitVersionError,
} from '../../db/models.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SessionType } from '../../domain/session.ts';
import { switchModel } from '../../operations/queues.ts';
import type { Caller } from '../auth/caller.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { createActiveModelsReader, modelNamed, readModelPage, readVersions } from './reading.ts';
import {
  activeModelsSchema,
  canarySchema,
  cardQuerySchema,
  cardSchema,
  modelPageSchema,
  modelParamsSchema,
  pageQuerySchema,
  pauseSchema,
  promotionSchema,
  resumptionSchema,
  rollbackSchema,
  shadowSchema,
  versionListSchema,
  type ModelPage,
} from './schemas.ts';

const changed = {
  method: 'post',
  tag: 'Models',
  permission: 'model:manage',
  data: modelPageSchema,
  message: 'So it is; workers follow within seconds.',
} as const;

/** The registry: everybody reads it, and operators say which version of a model does what (M2). */
export function modelRoutes(deps: ApiDeps): Route[] {
  const { database, cache, driftCounts } = deps;
  const activeModels = createActiveModelsReader({ database, cache });

  const page = (caller: Caller, name: SessionType, days = 7): Promise<ModelPage> =>
    readModelPage(database.asUser(caller.userId), driftCounts, name, days);

  /** Makes a change in the operator's name, and answers how the model stands after it. */
  async function change(
    caller: Caller,
    name: string,
    work: (em: EntityManager, author: { name: SessionType; by: string }) => Promise<void>,
  ): Promise<ModelPage> {
    const model = modelNamed(name);
    await inWordsOfTheRequest(() => work(database.asService(), { name: model, by: caller.userId }));
    await activeModels.refresh();
    return page(caller, model);
  }

  /** Has sessions wait for a model, or go on. */
  async function pause(caller: Caller, name: string, order: { paused: boolean; reason: string }): Promise<ModelPage> {
    const model = modelNamed(name);
    await inWordsOfTheRequest(() => switchModel(deps, model, { by: { userId: caller.userId }, ...order }));
    return page(caller, model);
  }

  return [
    userRoute({
      method: 'get',
      path: '/v1/models',
      tag: 'Models',
      summary: 'The active models, with their version and figures',
      permission: 'model:read',
      request: {},
      message: 'The active models.',
      data: activeModelsSchema,
      handle: () => activeModels.read(),
    }),

    userRoute({
      method: 'get',
      path: '/v1/models/{name}',
      tag: 'Models',
      summary: 'Read how a model stands: versions, figures, drift and changes',
      permission: 'model:read',
      request: { params: modelParamsSchema, query: pageQuerySchema },
      message: 'The model.',
      data: modelPageSchema,
      errors: ['not_found'],
      handle: ({ params, query }, { caller }) => page(caller, modelNamed(params.name), query.days),
    }),

    userRoute({
      method: 'get',
      path: '/v1/models/{name}/versions',
      tag: 'Models',
      summary: 'List the versions of a model',
      permission: 'model:read',
      request: { params: modelParamsSchema },
      message: 'The versions.',
      data: versionListSchema,
      errors: ['not_found'],
      handle: async ({ params }, { caller }) => ({
        items: await readVersions(database.asUser(caller.userId), modelNamed(params.name)),
      }),
    }),

    userRoute({
      method: 'get',
      path: '/v1/models/{name}/card',
      tag: 'Models',
      summary: 'Read the card of a model: what it is for, how it was made, what it cannot do',
      permission: 'model:read',
      request: { params: modelParamsSchema, query: cardQuerySchema },
      message: 'The card.',
      data: cardSchema,
      errors: ['not_found'],
      handle: async ({ params, query }, { caller }) => {
        const name = modelNamed(params.name);
        const em = database.asUser(caller.userId);
        const wanted = query.version ?? (await findModel(em, name))?.activeVersion;
        const found = (await listVersions(em, name)).find(({ version }) => version === wanted);
        if (!found?.card) throw new ApiError('not_found', [{ path: 'version', message: 'has no card' }]);
        return { name, version: found.version, markdown: found.card };
      },
    }),

    userRoute({
      ...changed,
      path: '/v1/models/{name}/promote',
      summary: 'Analyze all sessions with a version from now on',
      description: 'A canary or shadow of that version ends with it. Sessions under way keep the version they have.',
      request: { params: modelParamsSchema, body: promotionSchema },
      errors: ['not_found'],
      handle: ({ params, body }, { caller }) =>
        change(caller, params.name, (em, author) => promote(em, { ...author, ...body })),
    }),

    userRoute({
      ...changed,
      path: '/v1/models/{name}/rollback',
      summary: 'Go back to the version before the newest promotion',
      description: 'Asking twice is asking once; what lies further back is promoted by its name.',
      request: { params: modelParamsSchema, body: rollbackSchema },
      errors: ['not_found', 'no_earlier_version'],
      handle: ({ params, body }, { caller }) =>
        change(caller, params.name, (em, author) => rollback(em, { ...author, ...body })),
    }),

    userRoute({
      ...changed,
      path: '/v1/models/{name}/canary',
      summary: 'Give a version a share of the sessions',
      description: 'Which sessions these are follows from their ids. A share of 0 ends it.',
      request: { params: modelParamsSchema, body: canarySchema },
      errors: ['not_found'],
      handle: ({ params, body: { version, share, reason } }, { caller }) =>
        change(caller, params.name, (em, author) => {
          const canary = version === undefined || share === 0 ? null : { version, share };
          return setCanary(em, { ...author, canary, reason });
        }),
    }),

    userRoute({
      ...changed,
      path: '/v1/models/{name}/shadow',
      summary: 'Let a version run beside, to compare it',
      description: 'It has no part in any result; what is kept is how often it agreed. A version of null ends it.',
      request: { params: modelParamsSchema, body: shadowSchema },
      errors: ['not_found'],
      handle: ({ params, body }, { caller }) =>
        change(caller, params.name, (em, author) => setShadow(em, { ...author, ...body })),
    }),

    userRoute({
      ...changed,
      path: '/v1/models/{name}/pause',
      summary: 'Have the sessions of a model wait',
      description: 'Nothing fails; an analysis that has begun comes to its end. Asking twice is asking once.',
      request: { params: modelParamsSchema, body: pauseSchema },
      errors: ['not_found'],
      handle: ({ params, body }, { caller }) => pause(caller, params.name, { paused: true, ...body }),
    }),

    userRoute({
      ...changed,
      path: '/v1/models/{name}/resume',
      summary: 'Let the sessions of a paused model go on',
      description: 'Each goes on after as long as it has waited, and after five minutes at the most.',
      request: { params: modelParamsSchema, body: resumptionSchema },
      errors: ['not_found'],
      handle: ({ params, body }, { caller }) => pause(caller, params.name, { paused: false, ...body }),
    }),
  ];
}

/** What the registry refuses, as the client is told it. */
async function inWordsOfTheRequest(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof UnfitVersionError) {
      throw new ApiError('validation_failed', [{ path: 'version', message: error.message }], { cause: error });
    }
    if (error instanceof NoEarlierVersionError) throw new ApiError('no_earlier_version', [], { cause: error });
    throw error;
  }
}
