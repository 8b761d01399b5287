import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  changeEndpoint,
  deleteEndpoint,
  findEndpoint,
  insertEndpoint,
  insertTestDelivery,
  listDeliveries,
} from '../../db/webhooks.ts';
import { minuteMs, secondMs } from '../../domain/time.ts';
import { createWebhookSecrets } from '../../integrations/webhookSecrets.ts';
import { createWebhookSender } from '../../integrations/webhookSender.ts';
import { createMetrics } from '../../observability/metrics.ts';
import { newUser, openTestDatabase } from '../../tests/database.ts';
import { listenAsReceiver, type ReceiverAnswer } from '../../tests/webhookReceiver.ts';
import { createWebhookActivities } from './deliver.ts';

const database = openTestDatabase();
const webhookSecrets = createWebhookSecrets([{ id: 'test', key: new Uint8Array(32).fill(3) }]);
let answer: ReceiverAnswer;
const receiver = await listenAsReceiver(() => answer);
const activities = createWebhookActivities({
  database,
  webhookSecrets,
  metrics: createMetrics('test'),
  webhookSender: createWebhookSender({ allowPrivate: true }),
});
beforeEach(() => {
  answer = { status: 200 };
});
afterAll(async () => {
  await receiver.close();
  await database.close();
});

/** An endpoint of a new user with one delivery that has failed so often already. */
async function queued({ failed = 0, url = receiver.url } = {}) {
  const { id: userId } = await newUser(database);
  const em = () => database.asUser(userId);
  const endpointId = randomUUID();
  const { sealed: sealedSecret } = await webhookSecrets.make(endpointId);
  await insertEndpoint(em(), {
    id: endpointId,
    userId,
    url,
    description: null,
    events: ['session.completed'],
    sealedSecret,
  });
  const deliveryId = randomUUID();
  await insertTestDelivery(em(), { id: deliveryId, endpointId });
  await database.asService().execute(`update webhook_deliveries set attempts = ? where id = ?`, [failed, deliveryId]);
  return {
    deliveryId,
    endpointId,
    em,
    endpoint: () => findEndpoint(em(), endpointId),
    delivery: async () =>
      (await listDeliveries(em(), { endpointId, state: undefined, after: undefined, limit: 1 })).rows[0],
    attemptsHere: () => receiver.received.filter(({ headers }) => headers['webhook-id'] === `msg_${deliveryId}`),
  };
}

test('a test of a webhook that is deleted in that moment is none (A3)', async () => {
  const { endpointId, em } = await queued();
  await deleteEndpoint(em(), endpointId);
  expect(await insertTestDelivery(em(), { id: randomUUID(), endpointId })).toBeNull();
});

describe('an attempt at a delivery (A3)', () => {
  test('that arrives is the last one, and making it again sends nothing', async () => {
    const { deliveryId, delivery, endpoint, attemptsHere } = await queued();
    expect(await activities.deliverWebhook({ deliveryId })).toEqual({ retryInMs: null });
    expect(await activities.deliverWebhook({ deliveryId })).toEqual({ retryInMs: null });
    expect(attemptsHere()).toHaveLength(1);
    expect(await delivery()).toMatchObject({
      state: 'delivered',
      attempts: 1,
      lastStatusCode: 200,
      lastFailure: null,
      nextAttemptAt: null,
    });
    expect((await endpoint())?.deliveredAt).toBeInstanceOf(Date);
  });

  test.each([
    [0, 5 * secondMs],
    [1, 5 * minuteMs],
  ])('that fails after %i failed ones is followed by another one in %i ms', async (failed, retryInMs) => {
    answer = { status: 500 };
    const { deliveryId, delivery } = await queued({ failed });
    expect(await activities.deliverWebhook({ deliveryId })).toEqual({ retryInMs });
    const row = await delivery();
    expect(row).toMatchObject({ state: 'pending', attempts: failed + 1, lastStatusCode: 500, lastFailure: 'refused' });
    const waits = Date.parse(row?.nextAttemptAt ?? '') - Date.parse(row?.lastAttemptAt ?? '');
    expect(waits).toBe(retryInMs);
  });

  test('that uses up the schedule gives up, and switches off an endpoint where nothing else arrived', async () => {
    answer = { status: 302, headers: { location: receiver.url } };
    const { deliveryId, delivery, endpoint } = await queued({ failed: 9 });
    expect(await activities.deliverWebhook({ deliveryId })).toEqual({ retryInMs: null });
    expect(await delivery()).toMatchObject({ state: 'failed', attempts: 10, nextAttemptAt: null });
    expect(await endpoint()).toMatchObject({ active: false, disabledReason: 'failing' });
  });

  test('that gives up leaves an endpoint alone where something else arrived meanwhile', async () => {
    const { deliveryId, delivery, endpoint, endpointId } = await queued({ failed: 9 });
    await database.asService().execute(`update webhook_endpoints set delivered_at = now() where id = ?`, [endpointId]);
    answer = { status: 500 };
    await activities.deliverWebhook({ deliveryId });
    expect(await delivery()).toMatchObject({ state: 'failed' });
    expect(await endpoint()).toMatchObject({ active: true, disabledReason: null });
  });

  test('that is answered 410 is the last one, and switches the endpoint off until its owner switches it on', async () => {
    answer = { status: 410 };
    const { deliveryId, delivery, endpoint, endpointId, em } = await queued();
    expect(await activities.deliverWebhook({ deliveryId })).toEqual({ retryInMs: null });
    expect(await delivery()).toMatchObject({ state: 'failed', lastStatusCode: 410 });
    expect(await endpoint()).toMatchObject({ active: false, disabledReason: 'gone' });
    await changeEndpoint(em(), endpointId, { active: true });
    expect(await endpoint()).toMatchObject({ active: true, disabledReason: null, disabledAt: null });
  });

  test('to an endpoint that is switched off sends nothing', async () => {
    const { deliveryId, delivery, endpointId, em, endpoint, attemptsHere } = await queued();
    await changeEndpoint(em(), endpointId, { active: false });
    expect(await activities.deliverWebhook({ deliveryId })).toEqual({ retryInMs: null });
    expect(attemptsHere()).toEqual([]);
    expect(await delivery()).toMatchObject({ state: 'failed', lastFailure: 'inactive', lastStatusCode: null });
    expect(await endpoint()).toMatchObject({ active: false, disabledReason: null });
  });

  test('of a delivery that is gone is none', async () => {
    expect(await activities.deliverWebhook({ deliveryId: randomUUID() })).toEqual({ retryInMs: null });
  });

  test('says nothing of what a person recorded: its type, its time, and the facts that were queued (I5)', async () => {
    const { deliveryId, endpointId, attemptsHere } = await queued();
    await activities.deliverWebhook({ deliveryId });
    const body = JSON.parse(attemptsHere()[0]?.body ?? '') as Record<string, unknown>;
    expect(Object.keys(body)).toEqual(['type', 'timestamp', 'data']);
    expect(body).toMatchObject({ type: 'webhook.test', data: { webhookId: endpointId } });
  });
});
