import { z } from 'zod';
import type { DeliveryRow, WebhookEndpoint } from '../../db/webhooks.ts';
import { sessionStatuses, sessionTypes } from '../../domain/session.ts';
import { storable } from '../../domain/text.ts';
import {
  attemptFailures,
  deliveryStates,
  deliveryTypes,
  disabledReasons,
  webhookEventTypes,
} from '../../domain/webhooks.ts';

/** What clients send and read of webhooks. */

const urlSchema = z
  .string()
  .min(1)
  .max(2_048)
  .refine(...storable)
  .describe('Begins with `https://`, carries no name or password, and leads to the public internet.');
const eventsSchema = z
  .array(z.enum(webhookEventTypes))
  .min(1)
  .max(webhookEventTypes.length)
  .refine((events) => new Set(events).size === events.length, 'names an event twice');
const descriptionSchema = z
  .string()
  .max(200)
  .refine(...storable)
  .nullable();

export const newWebhookSchema = z
  .strictObject({ url: urlSchema, events: eventsSchema, description: descriptionSchema.default(null) })
  .meta({ id: 'NewWebhook' });

export const webhookChangeSchema = z
  .strictObject({
    url: urlSchema.optional(),
    events: eventsSchema.optional(),
    description: descriptionSchema.optional(),
    active: z.boolean().optional().describe('True switches on again what was switched off.'),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'names nothing to change')
  .meta({ id: 'WebhookChange' });

export const webhookParamsSchema = z.object({ id: z.uuid() });
export const deliveryParamsSchema = z.object({ id: z.uuid(), deliveryId: z.uuid() });

export const webhookSchema = z
  .object({
    id: z.uuid(),
    url: z.string(),
    events: z.array(z.enum(webhookEventTypes)),
    description: z.string().nullable(),
    active: z.boolean(),
    disabled: z
      .object({ reason: z.enum(disabledReasons), at: z.iso.datetime() })
      .nullable()
      .describe(
        'Why the platform switched it off: `gone`, it answered 410; `failing`, a delivery gave up after three days in which nothing else arrived.',
      ),
    deliveredAt: z.iso.datetime().nullable().describe('When a delivery last arrived.'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Webhook' });
export type WebhookView = z.input<typeof webhookSchema>;

export const webhookListSchema = z.object({ items: z.array(webhookSchema).describe('Oldest first.') });

export const webhookWithSecretSchema = webhookSchema
  .extend({ secret: z.string().describe('What deliveries are signed with, as Standard Webhooks has it. Shown once.') })
  .meta({ id: 'WebhookWithSecret' });
export type WebhookWithSecretView = z.input<typeof webhookWithSecretSchema>;

export const deliveryListQuerySchema = z.strictObject({
  cursor: z.string().min(1).max(500).optional().describe('`nextCursor` of the page before, with the same `state`.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  state: z.enum(deliveryStates).optional(),
});

export const deliverySchema = z
  .object({
    id: z.uuid().describe('The header `webhook-id` is `msg_` and this id, over all attempts.'),
    type: z.enum(deliveryTypes),
    data: z
      .object({
        sessionId: z.uuid().optional(),
        sessionType: z.enum(sessionTypes).optional(),
        status: z.enum(sessionStatuses).optional(),
        seq: z.int().optional().describe('The number of the session’s event.'),
        webhookId: z.uuid().optional().describe('Of a test.'),
      })
      .describe('As it is sent.'),
    state: z.enum(deliveryStates),
    attempts: z.int().min(0),
    lastAttemptAt: z.iso.datetime().nullable(),
    lastStatusCode: z.int().nullable().describe('What the endpoint answered; null where it did not.'),
    lastDurationMs: z.int().nullable(),
    lastFailure: z.enum(attemptFailures).nullable(),
    nextAttemptAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'WebhookDelivery' });
export type DeliveryView = z.input<typeof deliverySchema>;

export const deliveryListSchema = z.object({
  items: z.array(deliverySchema).describe('Newest first; the log goes back 30 days.'),
  nextCursor: z.string().nullable().describe('Where the list goes on; null at its end.'),
});

/** A webhook as its owner reads it. */
export function webhookView(endpoint: WebhookEndpoint): WebhookView {
  const { id, url, events, active, createdAt, updatedAt, disabledReason, disabledAt } = endpoint;
  return {
    ...{ id, url, events: [...events], active },
    description: endpoint.description ?? null,
    disabled: disabledReason && disabledAt ? { reason: disabledReason, at: disabledAt.toISOString() } : null,
    deliveredAt: endpoint.deliveredAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

/** A delivery as its owner reads it. */
export function deliveryView({ occurredAt: _, data, ...row }: DeliveryRow): DeliveryView {
  return { ...row, data: deliverySchema.shape.data.parse(data) };
}
