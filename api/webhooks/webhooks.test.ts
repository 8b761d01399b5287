import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '../../observability/logger.ts';
import {
  startTestApi,
  type Answer,
  type CallOptions,
  type Envelope,
  type TestApi,
  type TestUser,
} from '../../tests/api.ts';
import { listenAsReceiver, openWebhook, type ReceiverAnswer } from '../../tests/webhookReceiver.ts';
import { until } from '../../tests/until.ts';
import type { DeliveryView, WebhookView, WebhookWithSecretView } from './schemas.ts';

let api: TestApi;
let user: TestUser;
let receiver: Awaited<ReturnType<typeof listenAsReceiver>>;
let answer: ReceiverAnswer;
const lines: string[] = [];

beforeAll(async () => {
  const logger = createLogger({
    service: 'api',
    level: 'info',
    destination: { write: (line) => void lines.push(line) },
  });
  api = await startTestApi({ deps: { logger }, worker: true });
  receiver = await listenAsReceiver(() => answer);
});
beforeEach(async () => {
  answer = { status: 204 };
  user = await api.newUser();
});
afterAll(async () => {
  await receiver.close();
  await api.close();
});

const call = (method: string, path: string, options: CallOptions = {}) =>
  api.call(method, `/v1/webhooks${path}`, { token: user.token, ...options });

/** An answer that is a success of this status. */
function ok({ status, body }: Answer, expected = 200): Envelope {
  expect(status).toBe(expected);
  return body;
}

const newWebhook = (given: object = {}) => ({ url: receiver.url, events: ['session.completed'], ...given });

async function create(given: object = {}): Promise<WebhookWithSecretView> {
  return ok(await call('POST', '', { body: newWebhook(given) }), 201).data;
}

async function sendTest(id: string): Promise<DeliveryView> {
  return ok(await call('POST', `/${id}/test`), 202).data;
}

/** Asks for the log until the delivery is as it should be. */
function untilDelivery(
  webhookId: string,
  deliveryId: string,
  isRight: (delivery: DeliveryView) => boolean,
): Promise<DeliveryView> {
  return until(async () => {
    const { items } = ok(await call('GET', `/${webhookId}/deliveries`)).data as { items: DeliveryView[] };
    return items.find((delivery) => delivery.id === deliveryId && isRight(delivery));
  });
}

const received = (deliveryId: string) =>
  receiver.received.filter(({ headers }) => headers['webhook-id'] === `msg_${deliveryId}`);

describe('webhooks of an account (A3, C3)', () => {
  test('are created, listed, read, changed and deleted; the secret is shown once', async () => {
    const { secret, ...created } = await create({ description: 'my lab' });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(created).toMatchObject({ url: receiver.url, description: 'my lab', active: true, disabled: null });
    expect(ok(await call('GET', `/${created.id}`)).data).toEqual(created);
    expect(ok(await call('GET', '')).data).toEqual({ items: [created] });

    const change = { events: ['session.failed', 'analysis.completed'], active: false, description: null };
    const changed = ok(await call('PATCH', `/${created.id}`, { body: change })).data as WebhookView;
    expect(changed).toMatchObject({ ...change, url: receiver.url });

    ok(await call('DELETE', `/${created.id}`));
    expect((await call('GET', `/${created.id}`)).status).toBe(404);
    expect(ok(await call('GET', '')).data).toEqual({ items: [] });
  });

  test('created twice under one Idempotency-Key are one, with the same secret', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const both = [
      await call('POST', '', { body: newWebhook(), headers }),
      await call('POST', '', { body: newWebhook(), headers }),
    ].map((given) => ok(given, 201).data as WebhookWithSecretView);
    expect(both[1]).toEqual(both[0]);
    expect((ok(await call('GET', '')).data as { items: unknown[] }).items).toHaveLength(1);
  });

  test('of somebody else cannot be told from those that never were', async () => {
    const { id } = await create();
    const { id: deliveryId } = await sendTest(id);
    await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
    const stranger = await api.newUser();
    const own = await api.call('POST', '/v1/webhooks', { token: stranger.token, body: newWebhook() });
    const { id: ownId } = ok(own, 201).data as WebhookView;
    for (const [method, path, body] of [
      ['GET', `/${id}`],
      ['PATCH', `/${id}`, { active: false }],
      ['DELETE', `/${id}`],
      ['POST', `/${id}/rotate-secret`],
      ['POST', `/${id}/test`],
      ['GET', `/${id}/deliveries`],
      ['POST', `/${id}/deliveries/${deliveryId}/redeliver`],
      ['POST', `/${ownId}/deliveries/${deliveryId}/redeliver`],
    ] as const) {
      const options = { token: stranger.token, ...(body === undefined ? {} : { body }) };
      const theirs = await call(method, path, options);
      const nobodys = await call(method, path.replace(id, randomUUID()).replace(deliveryId, randomUUID()), options);
      expect(theirs.status).toBe(404);
      expect(theirs.body.error).toEqual(nobodys.body.error);
    }
    expect(ok(await call('GET', `/${id}`)).data).toMatchObject({ active: true });
  });

  test('are ten at the most, also when they are asked for at once', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => call('POST', '', { body: newWebhook() })));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 201), 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.error?.code).toBe('too_many_webhooks');
  });

  test.each([
    [{ events: [] }, 'events'],
    [{ events: ['session.created'] }, 'events.0'],
    [{ events: ['session.failed', 'session.failed'] }, 'events'],
    [{ url: 'nonsense' }, 'url'],
    [{ url: 'https://me:word@example.com/' }, 'url'],
    [{ userId: randomUUID() }, ''],
    [{ secret: 'whsec_mine' }, ''],
  ])('are refused with %j', async (given, path) => {
    const { status, body } = await call('POST', '', { body: newWebhook(given) });
    expect(status).toBe(400);
    expect(body.error?.details?.map((detail) => detail.path)).toContain(path === '' ? 'body' : path);
  });

  test('lead to the public internet by HTTPS, unless the settings allow more', async () => {
    const strict = await startTestApi({ deps: { allowPrivateWebhooks: false } });
    try {
      const ask = (url: string) =>
        strict.call('POST', '/v1/webhooks', { token: user.token, body: newWebhook({ url }) });
      for (const url of [receiver.url, 'https://127.0.0.1/', 'https://[::1]/', 'https://169.254.169.254/latest/']) {
        expect((await ask(url)).body.error).toMatchObject({ code: 'validation_failed', details: [{ path: 'url' }] });
      }
      const { id } = ok(await ask('https://example.com/hook'), 201).data as WebhookView;
      const moved = await strict.call('PATCH', `/v1/webhooks/${id}`, {
        token: user.token,
        body: { url: 'https://10.0.0.1/' },
      });
      expect(moved.status).toBe(400);
    } finally {
      await strict.close();
    }
  });
});

describe('a delivery (A3)', () => {
  test('arrives once, signed, and stands in the log', async () => {
    const { id, secret } = await create();
    const { id: deliveryId } = await sendTest(id);
    const delivery = await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
    expect(delivery).toMatchObject({ type: 'webhook.test', attempts: 1, lastStatusCode: 204, nextAttemptAt: null });
    const [got, ...more] = received(deliveryId);
    if (got === undefined) throw new Error('nothing came');
    expect(more).toEqual([]);
    expect(openWebhook(secret, got)).toMatchObject({ type: 'webhook.test', data: { webhookId: id } });
    expect((ok(await call('GET', `/${id}`)).data as WebhookView).deliveredAt).not.toBeNull();
  });

  test('to a receiver that is down is tried again by itself, until the receiver is up', async () => {
    answer = { status: 503 };
    const { id } = await create();
    const { id: deliveryId } = await sendTest(id);
    const failed = await untilDelivery(id, deliveryId, ({ attempts }) => attempts === 1);
    expect(failed).toMatchObject({ state: 'pending', lastStatusCode: 503, lastFailure: 'refused' });
    answer = { status: 200 };
    const delivered = await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
    expect(delivered.attempts).toBe(2);
    expect(received(deliveryId)).toHaveLength(2);
  });

  test('is made again under the same id when its owner asks, also while it waits for its next attempt', async () => {
    answer = { status: 503 };
    const { id, secret } = await create();
    const { id: deliveryId } = await sendTest(id);
    await untilDelivery(id, deliveryId, ({ attempts }) => attempts === 1);
    const again = () => call('POST', `/${id}/deliveries/${deliveryId}/redeliver`);
    ok(await again(), 202);
    await untilDelivery(id, deliveryId, ({ attempts }) => attempts === 2);
    answer = { status: 200 };
    ok(await again(), 202);
    await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
    ok(await again(), 202);
    const last = await untilDelivery(id, deliveryId, ({ state, attempts }) => state === 'delivered' && attempts === 4);
    expect(last.lastStatusCode).toBe(200);
    const bodies = received(deliveryId).map((got) => openWebhook(secret, got));
    expect(bodies).toHaveLength(4);
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  test('that is answered 410 switches the webhook off, and nothing is sent until it is switched on', async () => {
    answer = { status: 410 };
    const { id } = await create();
    const { id: deliveryId } = await sendTest(id);
    await untilDelivery(id, deliveryId, ({ state }) => state === 'failed');
    expect(ok(await call('GET', `/${id}`)).data).toMatchObject({ active: false, disabled: { reason: 'gone' } });
    for (const path of [`/${id}/test`, `/${id}/deliveries/${deliveryId}/redeliver`]) {
      expect((await call('POST', path)).body.error?.code).toBe('webhook_inactive');
    }
    answer = { status: 200 };
    expect(ok(await call('PATCH', `/${id}`, { body: { active: true } })).data).toMatchObject({ disabled: null });
    ok(await call('POST', `/${id}/deliveries/${deliveryId}/redeliver`), 202);
    await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
  });

  test('is signed by the new secret and the one before after a rotation', async () => {
    const { id, secret: before } = await create();
    const { secret: after } = ok(await call('POST', `/${id}/rotate-secret`)).data as WebhookWithSecretView;
    expect(after).not.toBe(before);
    const { id: deliveryId } = await sendTest(id);
    await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
    const [got] = received(deliveryId);
    if (got === undefined) throw new Error('nothing came');
    for (const secret of [after, before]) expect(openWebhook(secret, got).type).toBe('webhook.test');

    await api.resources.database
      .asService()
      .execute(`update webhook_endpoints set previous_secret_until = now() where id = ?`, [id]);
    const { id: nextId } = await sendTest(id);
    await untilDelivery(id, nextId, ({ state }) => state === 'delivered');
    const [next] = received(nextId);
    if (next === undefined) throw new Error('nothing came');
    expect(openWebhook(after, next).type).toBe('webhook.test');
    expect(() => openWebhook(before, next)).toThrow();
  });

  test('is listed page by page, newest first, and by its state', async () => {
    const { id } = await create();
    const sent: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { id: deliveryId } = await sendTest(id);
      await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
      sent.unshift(deliveryId);
    }
    interface Page {
      items: DeliveryView[];
      nextCursor: string | null;
    }
    const first = ok(await call('GET', `/${id}/deliveries?limit=2`)).data as Page;
    const second = ok(await call('GET', `/${id}/deliveries?limit=2&cursor=${first.nextCursor ?? ''}`)).data as Page;
    expect([...first.items, ...second.items].map((delivery) => delivery.id)).toEqual(sent);
    expect(second.nextCursor).toBeNull();
    expect((ok(await call('GET', `/${id}/deliveries?state=failed`)).data as Page).items).toEqual([]);
    expect((await call('GET', `/${id}/deliveries?cursor=nonsense`)).status).toBe(400);
  });

  test('leaves neither a secret nor an address in the log (I5)', async () => {
    const path = `/hook/${randomUUID()}`;
    const { id, secret } = await create({ url: `${receiver.url}${path}` });
    const { id: deliveryId } = await sendTest(id);
    await untilDelivery(id, deliveryId, ({ state }) => state === 'delivered');
    const { data, requestId } = ok(await call('POST', `/${id}/rotate-secret`));
    const { secret: rotated } = data as WebhookWithSecretView;
    // The line is written once the answer is out.
    const line = await until(() => lines.find((text) => text.includes(requestId)));
    expect(line).toContain('/v1/webhooks/{id}/rotate-secret');
    const log = lines.join('');
    for (const hidden of [secret.slice(6), rotated.slice(6), path]) expect(log).not.toContain(hidden);
  });
});
