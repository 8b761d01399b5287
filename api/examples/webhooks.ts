import type { Examples } from './example.ts';
import { sessionIds, webhookId } from './story.ts';

const webhook = {
  id: webhookId,
  url: 'https://hooks.example.org/mindpeeker',
  events: ['session.completed', 'session.failed'],
  description: 'The notebook',
  active: true,
  disabled: null,
  deliveredAt: '2026-11-29T00:53:19.733Z',
  createdAt: '2026-11-26T00:53:12.475Z',
  updatedAt: '2026-11-26T00:53:12.475Z',
};
const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD0LxqXzWvH3M=';

const delivery = {
  id: '01a224ca-fcbb-75eb-92c6-84d68fffdcaa',
  type: 'session.completed',
  data: { sessionId: sessionIds.remote_viewing, sessionType: 'remote_viewing', status: 'completed', seq: 5 },
  state: 'delivered',
  attempts: 1,
  lastAttemptAt: webhook.deliveredAt,
  lastStatusCode: 204,
  lastDurationMs: 412,
  lastFailure: null,
  nextAttemptAt: null,
  createdAt: '2026-11-29T00:53:19.102Z',
};
const testOnItsWay = {
  ...delivery,
  id: '01a224d0-c91b-7730-868c-3bead38fd7a2',
  type: 'webhook.test',
  data: { webhookId },
  state: 'pending',
  attempts: 0,
  lastAttemptAt: null,
  lastStatusCode: null,
  lastDurationMs: null,
  createdAt: '2026-11-29T00:59:52.475Z',
};

/** How a notebook of Ada's is told of her sessions. */
export const webhookExamples: Examples = {
  'POST /v1/webhooks': {
    request: { url: webhook.url, events: webhook.events, description: webhook.description },
    answer: { ...webhook, deliveredAt: null, secret },
    at: webhook.createdAt,
  },
  'GET /v1/webhooks': { answer: { items: [webhook] } },
  'GET /v1/webhooks/{id}': { answer: webhook },
  'PATCH /v1/webhooks/{id}': {
    request: { active: false },
    answer: { ...webhook, active: false, updatedAt: '2026-11-29T00:59:59.120Z' },
  },
  'DELETE /v1/webhooks/{id}': { answer: null },
  'POST /v1/webhooks/{id}/rotate-secret': {
    answer: { ...webhook, updatedAt: '2026-11-29T00:59:59.120Z', secret },
  },
  'POST /v1/webhooks/{id}/test': { answer: testOnItsWay, at: testOnItsWay.createdAt },
  'GET /v1/webhooks/{id}/deliveries': { answer: { items: [delivery], nextCursor: null } },
  'POST /v1/webhooks/{id}/deliveries/{deliveryId}/redeliver': {
    answer: { ...delivery, state: 'pending', nextAttemptAt: '2026-11-29T01:00:00.000Z' },
  },
};
