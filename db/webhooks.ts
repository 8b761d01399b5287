import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  endpointsPerUser,
  secretOverlapMs,
  toldEvents,
  type AttemptFailure,
  type DeliveryFacts,
  type DeliveryState,
  type DeliveryType,
  type DisabledReason,
  type WebhookEventType,
} from '../domain/webhooks.ts';
import type { Person } from '../domain/tiers.ts';
import { isoUtc } from './isoUtc.ts';
import { ownRows, timestamp } from './rowSecurity.ts';
import { User } from './users.ts';

/** Where a person's own systems are told of their sessions. */
export const WebhookEndpoint = defineEntity({
  name: 'WebhookEndpoint',
  tableName: 'webhook_endpoints',
  indexes: [{ name: 'webhook_endpoints_user', properties: ['user'] }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().fieldName('user_id').deleteRule('cascade').updateRule('no action'),
    url: p.string().length(2048),
    description: p.string().length(200).nullable(),
    events: p.json().$type<readonly WebhookEventType[]>(),
    active: p.boolean().default(true),
    /** Why and when the platform switched it off; null where it did not, or where its owner switched it on again. */
    disabledReason: p.string().$type<DisabledReason>().length(20).nullable(),
    disabledAt: timestamp().nullable(),
    /** When a delivery last arrived. */
    deliveredAt: timestamp().nullable(),
    /** Sealed, and read only where something is signed. */
    secret: p.blob().lazy(),
    /** The one before, which signs beside it until then. */
    previousSecret: p.blob().nullable().lazy(),
    previousSecretUntil: timestamp().nullable(),
    createdAt: timestamp().defaultRaw('now()'),
    updatedAt: timestamp().defaultRaw('now()'),
  },
  policies: [ownRows('webhook_endpoints_owner', 'user_id')],
});
export type WebhookEndpoint = InferEntity<typeof WebhookEndpoint>;

/** What an endpoint was told, or is still to be told, and how that goes. */
export const WebhookDelivery = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  indexes: [{ name: 'webhook_deliveries_endpoint', properties: ['endpoint', 'createdAt', 'id'] }],
  properties: {
    /** It follows from the endpoint and the event, so an event is queued once. */
    id: p.uuid().primary(),
    endpoint: () =>
      p.manyToOne(WebhookEndpoint).mapToPk().fieldName('endpoint_id').deleteRule('cascade').updateRule('no action'),
    userId: p.uuid(),
    type: p.string().$type<DeliveryType>().length(50),
    data: p.json().$type<DeliveryFacts>(),
    occurredAt: timestamp(),
    state: p.string().$type<DeliveryState>().length(20).default('pending'),
    attempts: p.integer().default(0),
    lastAttemptAt: timestamp().nullable(),
    /** Of the answer; null where there was none. */
    lastStatusCode: p.integer().nullable(),
    lastDurationMs: p.integer().nullable(),
    lastFailure: p.string().$type<AttemptFailure>().length(20).nullable(),
    nextAttemptAt: timestamp().nullable().defaultRaw('now()'),
    createdAt: timestamp().defaultRaw('now()'),
  },
  policies: [ownRows('webhook_deliveries_owner', 'user_id')],
});
export type WebhookDelivery = InferEntity<typeof WebhookDelivery>;

/*
 * For the gateway, with an entity manager of one user (`Database.asUser`): row-level security hides everybody else's.
 */

export interface NewEndpoint {
  id: string;
  userId: string;
  url: string;
  description: string | null;
  events: readonly WebhookEventType[];
  sealedSecret: Uint8Array;
}

/** Null when the user has as many as an account may have. */
export async function insertEndpoint(em: EntityManager, given: NewEndpoint): Promise<WebhookEndpoint | null> {
  return em.transactional(async (transaction) => {
    // One after the other, so that two at once do not both find the last place.
    await transaction.execute(`select pg_advisory_xact_lock(hashtextextended('webhooks ' || :userId, 0))`, {
      userId: given.userId,
    });
    if ((await transaction.count(WebhookEndpoint)) >= endpointsPerUser) return null;
    const { userId: user, sealedSecret, ...facts } = given;
    await transaction.insert(WebhookEndpoint, { ...facts, user, secret: Buffer.from(sealedSecret) });
    return findEndpoint(transaction, given.id);
  });
}

/** Of the user whose entity manager it is, in the order in which they were added. */
export async function listEndpoints(em: EntityManager): Promise<WebhookEndpoint[]> {
  return em.find(WebhookEndpoint, {}, { orderBy: { createdAt: 'asc', id: 'asc' } });
}

/** Null when the user has none of this id. */
export async function findEndpoint(em: EntityManager, id: string): Promise<WebhookEndpoint | null> {
  return em.findOne(WebhookEndpoint, { id });
}

export type EndpointChange = Partial<Pick<WebhookEndpoint, 'url' | 'description' | 'events' | 'active'>>;

/** Replaces what is named. An endpoint that is switched on again is no longer one that the platform switched off. */
export async function changeEndpoint(em: EntityManager, id: string, change: EndpointChange): Promise<void> {
  const enabled = change.active === true ? { disabledReason: null, disabledAt: null } : {};
  await em.nativeUpdate(WebhookEndpoint, { id }, { ...change, ...enabled, updatedAt: new Date() });
}

/** Puts a new secret in place; the one before signs beside it for a while. */
export async function rotateSecret(em: EntityManager, id: string, sealedSecret: Uint8Array): Promise<void> {
  await em.execute(
    `update webhook_endpoints
     set secret = decode(:secret, 'hex'), previous_secret = secret,
       previous_secret_until = now() + :overlapMs * interval '1 millisecond', updated_at = now()
     where id = :id`,
    { id, secret: Buffer.from(sealedSecret).toString('hex'), overlapMs: secretOverlapMs },
  );
}

/** Its deliveries go with it. False when the user has none of this id. */
export async function deleteEndpoint(em: EntityManager, id: string): Promise<boolean> {
  return (await em.nativeDelete(WebhookEndpoint, { id })) > 0;
}

/** A delivery as its owner reads it; times in ISO 8601, UTC. */
export interface DeliveryRow {
  id: string;
  type: DeliveryType;
  data: DeliveryFacts;
  occurredAt: string;
  state: DeliveryState;
  attempts: number;
  lastAttemptAt: string | null;
  lastStatusCode: number | null;
  lastDurationMs: number | null;
  lastFailure: AttemptFailure | null;
  nextAttemptAt: string | null;
  createdAt: string;
}

const deliveryColumns = `
  id, type, data, ${isoUtc('occurred_at')} as "occurredAt", state, attempts,
  ${isoUtc('last_attempt_at')} as "lastAttemptAt", last_status_code as "lastStatusCode",
  last_duration_ms as "lastDurationMs", last_failure as "lastFailure", ${isoUtc('next_attempt_at')} as "nextAttemptAt",
  ${isoUtc('created_at')} as "createdAt"`;

/** How long the log of deliveries goes back. */
const logDays = 30;

/** Where a list of deliveries goes on. */
export interface DeliveryPosition {
  /** When it was queued, as PostgreSQL prints it, to the microsecond. */
  time: string;
  id: string;
}

export interface DeliveryListQuery {
  endpointId: string;
  state: DeliveryState | undefined;
  after: DeliveryPosition | undefined;
  limit: number;
}

/** The deliveries to an endpoint, newest first; `next` is where the list goes on, or null at its end. */
export async function listDeliveries(
  em: EntityManager,
  { endpointId, state, after, limit }: DeliveryListQuery,
): Promise<{ rows: DeliveryRow[]; next: DeliveryPosition | null }> {
  const rows = await em.execute<(DeliveryRow & { position: string })[]>(
    `select ${deliveryColumns}, created_at::text as position
     from webhook_deliveries
     where endpoint_id = :endpointId and (:state::text is null or state = :state)
       and created_at > now() - :logDays * interval '1 day'
       and (:afterId::uuid is null or (created_at, id) < (:afterTime::timestamptz, :afterId::uuid))
     order by created_at desc, id desc
     limit :limit`,
    {
      endpointId,
      logDays,
      state: state ?? null,
      afterId: after?.id ?? null,
      afterTime: after?.time ?? null,
      limit: limit + 1,
    },
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last ? { time: last.position, id: last.id } : null;
  return { rows: shown.map(({ position: _, ...row }) => row), next };
}

/** Queues what its owner sends to try an endpoint out. Null when the endpoint is gone. */
export async function insertTestDelivery(
  em: EntityManager,
  { id, endpointId }: { id: string; endpointId: string },
): Promise<DeliveryRow | null> {
  const [row] = await em.execute<DeliveryRow[]>(
    `insert into webhook_deliveries (id, endpoint_id, user_id, type, data, occurred_at)
     select :id::uuid, w.id, w.user_id, 'webhook.test', jsonb_build_object('webhookId', w.id), now()
     from webhook_endpoints w where w.id = :endpointId for key share
     returning ${deliveryColumns}`,
    { id, endpointId },
  );
  return row ?? null;
}

/** Queues a delivery again, whatever became of it. Null when the endpoint has none of this id. */
export async function queueAgain(
  em: EntityManager,
  { id, endpointId }: { id: string; endpointId: string },
): Promise<DeliveryRow | null> {
  const [row] = await em.execute<DeliveryRow[]>(
    `update webhook_deliveries set state = 'pending', next_attempt_at = now()
     where id = :id and endpoint_id = :endpointId
     returning ${deliveryColumns}`,
    { id, endpointId },
  );
  return row ?? null;
}

/*
 * For the steps, with the service's entity manager.
 */

/**
 * Queues an event of a session for every endpoint that its owner wants told of it, and says which deliveries these are.
 * What is told is read from the event itself, so nothing is queued that was not committed. Asking again queues nothing
 * twice, and names only what was not attempted yet; an event that comes again, since a step was done again, is told
 * again. What has grown old in the log of these endpoints goes.
 */
export async function queueDeliveries(
  em: EntityManager,
  sessionId: string,
  type: WebhookEventType,
): Promise<({ id: string } & Person)[]> {
  return em.execute(
    `with due as (
       select
         md5(w.id::text || s.id::text || :type
           || case when row_number() over (partition by w.id order by e.seq) = 1 then '' else e.seq::text end)::uuid as id,
         w.id as endpoint_id, w.user_id, e.created_at as occurred_at,
         jsonb_build_object('sessionId', s.id, 'sessionType', s.session_type, 'status', e.data ->> 'status', 'seq', e.seq)
           as data
       from session_events e
       join sessions s on s.id = e.session_id
       join webhook_endpoints w on w.user_id = s.user_id and w.active and w.events @> to_jsonb(:type::text)
       where e.session_id = :sessionId and e.type = :eventType
     ), queued as (
       insert into webhook_deliveries (id, endpoint_id, user_id, type, data, occurred_at)
       select id, endpoint_id, user_id, :type, data, occurred_at from due
       on conflict do nothing
     ), forgotten as (
       delete from webhook_deliveries d using due
       where d.endpoint_id = due.endpoint_id and d.created_at < now() - :logDays * interval '1 day'
     )
     select due.id, due.user_id as "userId", users.tier
     from due
     join users on users.id = due.user_id
     left join webhook_deliveries d on d.id = due.id
     where coalesce(d.attempts, 0) = 0`,
    { sessionId, type, eventType: toldEvents[type], logDays },
  );
}

/** What is needed to make an attempt. */
export interface DueDelivery {
  endpointId: string;
  url: string;
  active: boolean;
  type: DeliveryType;
  data: DeliveryFacts;
  /** ISO 8601, UTC. */
  occurredAt: string;
  attempts: number;
  /** Sealed; the newest first. */
  secrets: Uint8Array[];
}

/** Null when it is no longer to be delivered, or gone with its endpoint. */
export async function findDueDelivery(em: EntityManager, id: string): Promise<DueDelivery | null> {
  const [row] = await em.execute<
    (Omit<DueDelivery, 'secrets'> & { secret: Uint8Array; previousSecret: Uint8Array | null })[]
  >(
    `select w.id as "endpointId", w.url, w.active, d.type, d.data, ${isoUtc('d.occurred_at')} as "occurredAt", d.attempts,
       w.secret, case when w.previous_secret_until > now() then w.previous_secret end as "previousSecret"
     from webhook_deliveries d join webhook_endpoints w on w.id = d.endpoint_id
     where d.id = :id and d.state = 'pending'`,
    { id },
  );
  if (row === undefined) return null;
  const { secret, previousSecret, ...due } = row;
  return { ...due, secrets: previousSecret === null ? [secret] : [secret, previousSecret] };
}

export interface AttemptRecord {
  id: string;
  statusCode: number | null;
  failure: AttemptFailure | null;
  durationMs: number | null;
  /** Null when it is not tried again by itself. */
  retryInMs: number | null;
  /** The endpoint answered that it is gone for good. */
  gone: boolean;
}

/**
 * Records how an attempt went, and what follows for the endpoint: one that is gone is switched off, and so is one that a
 * delivery gave up on without anything else having arrived since it was queued.
 */
export async function recordAttempt(em: EntityManager, attempt: AttemptRecord): Promise<void> {
  await em.execute(
    `with delivery as (
       update webhook_deliveries
       set state = case when :failure::text is null then 'delivered' when :retryInMs::int is null then 'failed' else 'pending' end,
         attempts = attempts + 1, last_attempt_at = now(), last_status_code = :statusCode, last_duration_ms = :durationMs,
         last_failure = :failure, next_attempt_at = now() + :retryInMs::int * interval '1 millisecond'
       where id = :id
       returning endpoint_id, state, created_at
     )
     update webhook_endpoints w
     set delivered_at = case when d.state = 'delivered' then now() else w.delivered_at end,
       active = w.active and not off.now,
       disabled_reason = case when off.now and w.active then off.reason else w.disabled_reason end,
       disabled_at = case when off.now and w.active then now() else w.disabled_at end
     from delivery d, webhook_endpoints e
     cross join lateral (
       select case when :gone then 'gone' else 'failing' end as reason,
         :gone or (d.state = 'failed' and coalesce(e.delivered_at < d.created_at, true)) as now
     ) off
     where w.id = d.endpoint_id and e.id = d.endpoint_id and d.state <> 'pending'`,
    { ...attempt },
  );
}
