import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { insertEndpoint, listDeliveries } from '../db/webhooks.ts';
import { webhookEventTypes, type WebhookEventType } from '../domain/webhooks.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { webhookWorkflowId } from '../workflows/webhookDelivery.ts';
import { newUser } from './database.ts';
import { exampleOf } from './examples.ts';
import { asText } from './histories.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsReceiver, openWebhook, type ReceiverAnswer } from './webhookReceiver.ts';
import { until } from './until.ts';

let platform: Platform;
let receiver: Awaited<ReturnType<typeof listenAsReceiver>>;
let answer: ReceiverAnswer;
beforeAll(async () => {
  receiver = await listenAsReceiver(() => answer);
  platform = await startPlatform();
});
beforeEach(() => {
  answer = { status: 200 };
});
afterAll(async () => {
  // First, so that no attempt is left that the workers wait for.
  await receiver.close();
  await platform.close();
});

/** A user with an endpoint that is told of these events. */
async function subscriber(events: readonly WebhookEventType[]) {
  const { database, webhookSecrets } = platform.resources;
  const { id: userId } = await newUser(database);
  const id = randomUUID();
  const { secret, sealed: sealedSecret } = await webhookSecrets.make(id);
  const url = `${receiver.url}/${id}`;
  await insertEndpoint(database.asUser(userId), { id, userId, url, description: null, events, sealedSecret });
  const got = () => receiver.received.filter(({ path }) => path.endsWith(id));
  return {
    userId,
    got,
    opened: () => got().map((webhook) => openWebhook(secret, webhook)),
    deliveries: async () =>
      (
        await listDeliveries(database.asUser(userId), {
          endpointId: id,
          state: undefined,
          after: undefined,
          limit: 100,
        })
      ).rows,
  };
}

describe('a session tells its owner’s systems (A3, C3)', () => {
  test('that its analysis and it itself are completed, once each, in small facts', async () => {
    const { userId, got, opened, deliveries } = await subscriber(webhookEventTypes);
    const content = { ...(await exampleOf('dowsing')), cue: 'MARKER-of-the-cue' };
    const { sessionId } = await platform.startSession(content, { userId });
    await platform.untilEvent(sessionId, 'completed');
    await until(() => got().length >= 2);
    const about = { sessionId, sessionType: 'dowsing' };
    expect(opened().sort((a, b) => a.type.localeCompare(b.type))).toEqual([
      { type: 'analysis.completed', timestamp: expect.any(String), data: { ...about, status: 'notifying', seq: 3 } },
      { type: 'session.completed', timestamp: expect.any(String), data: { ...about, status: 'completed', seq: 5 } },
    ]);
    expect(JSON.stringify(got())).not.toContain('MARKER');
    expect(await deliveries()).toHaveLength(2);
  });

  test('that it failed', async () => {
    const { userId, got, opened } = await subscriber(webhookEventTypes);
    const { sessionId } = await platform.startSession(
      { sessionType: 'dowsing', cue: 'nothing recorded' },
      { userId, analyzeAtOnce: true },
    );
    await until(() => got().length >= 1);
    expect(opened()).toMatchObject([{ type: 'session.failed', data: { sessionId, status: 'failed' } }]);
  });

  test('only of what they want to be told', async () => {
    const { userId, got, opened, deliveries } = await subscriber(['session.completed']);
    await platform.startSession(await exampleOf('dowsing'), { userId });
    await until(() => got().length >= 1);
    expect(opened().map(({ type }) => type)).toEqual(['session.completed']);
    expect(await deliveries()).toHaveLength(1);
  });

  test('and comes to its end all the same when they do not answer', async () => {
    answer = 'silence';
    const { userId, got, deliveries } = await subscriber(webhookEventTypes);
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'), { userId });
    await platform.untilEvent(sessionId, 'completed');
    await until(() => got().length >= 2);
    expect((await deliveries()).map(({ state }) => state)).toEqual(['pending', 'pending']);
  });

  test('without the secret, the address or what it told in a workflow’s history (I5)', async () => {
    const { userId, got, deliveries } = await subscriber(['session.completed']);
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'), { userId });
    await until(() => got().length >= 1);
    const [delivery] = await deliveries();
    const connection = await connectTemporal(platform.resources.config);
    const client = new Client({ connection, namespace: platform.resources.config.TEMPORAL_NAMESPACE });
    const history = await client.workflow.getHandle(webhookWorkflowId(delivery?.id ?? '')).fetchHistory();
    await connection.close();
    const payloads = asText(history);
    expect(payloads).toContain(`"deliveryId":"${delivery?.id}"`);
    for (const hidden of ['whsec_', receiver.url, sessionId]) expect(payloads).not.toContain(hidden);
  });
});
