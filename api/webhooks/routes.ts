import { v7 as newUuid } from 'uuid';
import { z } from 'zod';
import {
  changeEndpoint,
  deleteEndpoint,
  findEndpoint,
  insertEndpoint,
  insertTestDelivery,
  listDeliveries,
  listEndpoints,
  queueAgain,
  rotateSecret,
  type WebhookEndpoint,
} from '../../db/webhooks.ts';
import { ApiError } from '../../domain/errors.ts';
import { webhookUrlProblem } from '../../integrations/webhookSender.ts';
import type { Caller } from '../auth/caller.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import {
  deliveryListQuerySchema,
  deliveryListSchema,
  deliveryParamsSchema,
  deliverySchema,
  deliveryView,
  newWebhookSchema,
  webhookChangeSchema,
  webhookListSchema,
  webhookParamsSchema,
  webhookSchema,
  webhookView,
  webhookWithSecretSchema,
} from './schemas.ts';

const terms = { tag: 'Webhooks', permission: 'webhook:manage' } as const;

/** Webhooks out: a person's own systems are told of their sessions (A3, C3). */
export function webhookRoutes(deps: ApiDeps): Route[] {
  const { database, workflows, webhookSecrets, allowPrivateWebhooks, idempotencySecret } = deps;

  /** @throws ApiError `not_found` */
  async function find(caller: Caller, id: string): Promise<WebhookEndpoint> {
    const endpoint = await findEndpoint(database.asUser(caller.userId), id);
    if (endpoint === null) throw new ApiError('not_found');
    return endpoint;
  }

  /** @throws ApiError `not_found`, `webhook_inactive` */
  async function findActive(caller: Caller, id: string): Promise<WebhookEndpoint> {
    const endpoint = await find(caller, id);
    if (!endpoint.active) throw new ApiError('webhook_inactive');
    return endpoint;
  }

  /** @throws ApiError `validation_failed` */
  function checkUrl(url: string): void {
    const problem = webhookUrlProblem(url, { allowPrivate: allowPrivateWebhooks });
    if (problem !== null) throw new ApiError('validation_failed', [{ path: 'url', message: problem }]);
  }

  return [
    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/webhooks',
      summary: 'Have a system of yours told of your sessions',
      description:
        'The answer holds the secret that deliveries are signed with (Standard Webhooks); it is not shown again. Up to 10 an account.',
      request: { body: newWebhookSchema },
      status: 201,
      idempotent: true,
      message: 'The webhook was created.',
      data: webhookWithSecretSchema,
      errors: ['too_many_webhooks'],
      handle: async ({ body }, { caller }) => {
        checkUrl(body.url);
        const id = newUuid();
        const { secret, sealed } = await webhookSecrets.make(id);
        const { userId } = caller;
        const endpoint = await insertEndpoint(database.asUser(userId), { ...body, id, userId, sealedSecret: sealed });
        if (endpoint === null) throw new ApiError('too_many_webhooks');
        return { ...webhookView(endpoint), secret };
      },
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/webhooks',
      summary: 'List your webhooks',
      request: {},
      message: 'Your webhooks.',
      data: webhookListSchema,
      handle: async (_input, { caller }) => ({
        items: (await listEndpoints(database.asUser(caller.userId))).map(webhookView),
      }),
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/webhooks/{id}',
      summary: 'Read a webhook',
      request: { params: webhookParamsSchema },
      message: 'The webhook.',
      data: webhookSchema,
      errors: ['not_found'],
      handle: async ({ params }, { caller }) => webhookView(await find(caller, params.id)),
    }),

    userRoute({
      ...terms,
      method: 'patch',
      path: '/v1/webhooks/{id}',
      summary: 'Change a webhook, or switch it off and on',
      description: 'What is named is replaced; the rest stays.',
      request: { params: webhookParamsSchema, body: webhookChangeSchema },
      message: 'The webhook was changed.',
      data: webhookSchema,
      errors: ['not_found'],
      handle: async ({ params: { id }, body: { url, events, description, active } }, { caller }) => {
        if (url !== undefined) checkUrl(url);
        await changeEndpoint(database.asUser(caller.userId), id, {
          ...(url === undefined ? {} : { url }),
          ...(events === undefined ? {} : { events }),
          ...(description === undefined ? {} : { description }),
          ...(active === undefined ? {} : { active }),
        });
        return webhookView(await find(caller, id));
      },
    }),

    userRoute({
      ...terms,
      method: 'delete',
      path: '/v1/webhooks/{id}',
      summary: 'Delete a webhook and its log; what was still to be delivered is not',
      request: { params: webhookParamsSchema },
      message: 'The webhook was deleted.',
      data: z.null(),
      errors: ['not_found'],
      handle: async ({ params }, { caller }) => {
        if (!(await deleteEndpoint(database.asUser(caller.userId), params.id))) throw new ApiError('not_found');
        return null;
      },
    }),

    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/webhooks/{id}/rotate-secret',
      summary: 'Get a new secret',
      description:
        'For 24 hours the one before signs beside it, so a receiver can change over without losing anything.',
      request: { params: webhookParamsSchema },
      idempotent: true,
      message: 'The webhook has a new secret.',
      data: webhookWithSecretSchema,
      errors: ['not_found'],
      handle: async ({ params: { id } }, { caller }) => {
        await find(caller, id);
        const { secret, sealed } = await webhookSecrets.make(id);
        await rotateSecret(database.asUser(caller.userId), id, sealed);
        return { ...webhookView(await find(caller, id)), secret };
      },
    }),

    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/webhooks/{id}/test',
      summary: 'Send a test to a webhook',
      description: 'An event `webhook.test`, delivered and logged as every other.',
      request: { params: webhookParamsSchema },
      status: 202,
      idempotent: true,
      message: 'The test is on its way.',
      data: deliverySchema,
      errors: ['not_found', 'webhook_inactive'],
      handle: async ({ params }, { caller }) => {
        const { id: endpointId } = await findActive(caller, params.id);
        const delivery = await insertTestDelivery(database.asUser(caller.userId), { id: newUuid(), endpointId });
        if (delivery === null) throw new ApiError('not_found');
        await workflows.startWebhookDelivery(delivery.id, caller);
        return deliveryView(delivery);
      },
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/webhooks/{id}/deliveries',
      summary: 'List what a webhook was told, and how that went',
      request: { params: webhookParamsSchema, query: deliveryListQuerySchema },
      message: 'The deliveries.',
      data: deliveryListSchema,
      errors: ['not_found'],
      handle: async ({ params, query: { cursor, limit, state } }, { caller }) => {
        const { id: endpointId } = await find(caller, params.id);
        const list = { endpointId, state };
        const after = cursor === undefined ? undefined : fromCursor(cursor, list, idempotencySecret);
        const { rows, next } = await listDeliveries(database.asUser(caller.userId), { ...list, after, limit });
        return {
          items: rows.map(deliveryView),
          nextCursor: next === null ? null : toCursor(next, list, idempotencySecret),
        };
      },
    }),

    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/webhooks/{id}/deliveries/{deliveryId}/redeliver',
      summary: 'Deliver again, now',
      description: 'Whatever became of it: one that waits for its next attempt no longer waits.',
      request: { params: deliveryParamsSchema },
      status: 202,
      message: 'The delivery is on its way.',
      data: deliverySchema,
      errors: ['not_found', 'webhook_inactive'],
      handle: async ({ params }, { caller }) => {
        const { id: endpointId } = await findActive(caller, params.id);
        const delivery = await queueAgain(database.asUser(caller.userId), { id: params.deliveryId, endpointId });
        if (delivery === null) throw new ApiError('not_found');
        await workflows.startWebhookDelivery(delivery.id, caller);
        return deliveryView(delivery);
      },
    }),
  ];
}
