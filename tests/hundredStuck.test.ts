import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { listAuditOf } from '../db/auditEntries.ts';
import { readBillState } from '../db/bills.ts';
import { readBulkProgress } from '../db/bulkActions.ts';
import { eventsAfter } from '../db/sessions.ts';
import type { Act } from '../domain/operations.ts';
import type { TerminalStatus } from '../domain/session.ts';
import { startBulk, type BulkRequest } from '../operations/bulk.ts';
import { findStuckSessions } from '../operations/stuck.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { standApart } from './apart.ts';
import { breakHistories } from './brokenHistories.ts';
import { exampleOf } from './examples.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsStripe, stripeAnswers } from './stripeListener.ts';

/*
 * A hundred sessions, stuck in five ways, and an operator who brings each to its right end (T5, A4). What they need is
 * mended, as it would be at night, and each kind is taken on in bulk.
 */

const each = 20;
let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let isCardGood = false;
/** How many calls Stripe declined; what came after was taken. */
let declinedCalls = 0;

beforeAll(async () => {
  stripe = await listenAsStripe((path) => {
    if (path === '/v1/customers') return stripeAnswers.customer;
    return path === '/v1/billing/meter_events' && !isCardGood ? stripeAnswers.declined : stripeAnswers.taken;
  });
  platform = await startPlatform({ ...(await standApart({ models: true })), STRIPE_API_BASE: stripe.url });
}, 120_000);
afterAll(async () => {
  await platform.close();
  await stripe.close();
});

const service = () => platform.resources.database.asService();
const times = <T>(make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: each }, make));

async function parked(email?: string): Promise<string> {
  const { sessionId } = await platform.startSession(await exampleOf('dowsing'), {}, email);
  await platform.untilEvent(sessionId, 'stuck');
  return sessionId;
}

/** Its content is away, so each attempt at its analysis fails. */
async function withoutContent() {
  const content = await exampleOf('dowsing');
  const { sessionId, userId, contentKey, fingerprint } = await platform.startSession(content, { analyzeAtOnce: false });
  const { contents } = platform.resources;
  await contents.delete(contentKey);
  await platform.workflows.startAnalysis(sessionId);
  await platform.untilEvent(sessionId, 'analysis_started');
  return { sessionId, restore: () => contents.put({ sessionId, userId }, fingerprint, content) };
}

async function terminate(sessionIds: readonly string[]): Promise<void> {
  const { config } = platform.resources;
  const connection = await connectTemporal(config);
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  await Promise.all(sessionIds.map((id) => client.workflow.getHandle(`session-${id}`).terminate()));
  await connection.close();
}

/** Does it to sessions in bulk, and waits until it has been done to each of them. */
async function press(act: Act, filters: BulkRequest['filters'], count: number): Promise<void> {
  const deps = { database: platform.resources.database, workflows: platform.workflows };
  const request = { act, filters, reason: 'what it needs is well again', by: { command: 'night shift' } };
  const { id } = await startBulk(deps, { ...request, perSecond: 50, atMost: count });
  const deadline = Date.now() + 90_000;
  for (;;) {
    const progress = await readBulkProgress(service(), id);
    if (progress?.state === 'completed') {
      expect(progress).toMatchObject({ sessions: count, done: count, refused: 0, failed: 0 });
      return;
    }
    if (Date.now() > deadline) throw new Error(`It did not come to its end: ${JSON.stringify(progress)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function expectEnd(sessionId: string, end: TerminalStatus, action: Act['action']): Promise<void> {
  await platform.untilEvent(sessionId, end === 'completed' ? 'completed' : 'cancelled');
  const events = await eventsAfter(service(), sessionId, 0);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  expect(events.at(-1)?.data.status).toBe(end);
  expect(await listAuditOf(service(), sessionId, 10)).toMatchObject([
    { action, outcome: 'done', byCommand: 'night shift', reason: 'what it needs is well again' },
  ]);
  const taken = stripe.calls
    .slice(declinedCalls)
    .filter(({ path, body }) => path.endsWith('/meter_events') && body.get('identifier') === `session-${sessionId}`);
  if (end === 'completed') {
    expect(await readBillState(service(), sessionId)).toBe('sent');
    expect(new Set(taken.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  } else {
    expect([null, 'void']).toContain(await readBillState(service(), sessionId));
    expect(taken).toEqual([]);
  }
}

test('a hundred sessions stuck in five ways are each brought to the right end: no double bill, no gap, all in the audit', async () => {
  const declined = await times(() => parked());
  const unmailable = await times(() => parked(`nobody-${randomUUID()}`));
  const unreadable = await times(withoutContent);
  const gone = await times(() => parked());
  await terminate(gone);
  const broken = await times(() => parked());
  await breakHistories(platform, broken);

  isCardGood = true;
  declinedCalls = stripe.calls.length;
  const { database, logger } = platform.resources;
  await findStuckSessions({ database, workflows: platform.workflows, logger });

  const half = each / 2;
  await press({ action: 'retry' }, { ids: declined.slice(0, half), codes: ['card_declined'] }, half);
  await press({ action: 'cancel', deleteContent: false }, { ids: declined.slice(half) }, half);
  await press({ action: 'skip' }, { codes: ['rejected'] }, each);
  await press({ action: 'reset', step: 'analyze' }, { ids: unreadable.map(({ sessionId }) => sessionId) }, each);
  await Promise.all(unreadable.map(({ restore }) => restore()));
  await press({ action: 'reset', step: 'bill' }, { ids: gone, statuses: ['billing'] }, each);
  await press({ action: 'retry' }, { ids: broken, stuck: true }, each);

  for (const id of declined.slice(0, half)) await expectEnd(id, 'completed', 'retry');
  for (const id of declined.slice(half)) await expectEnd(id, 'cancelled', 'cancel');
  for (const id of unmailable) await expectEnd(id, 'completed', 'skip');
  for (const { sessionId } of unreadable) await expectEnd(sessionId, 'completed', 'reset');
  for (const id of gone) await expectEnd(id, 'completed', 'reset');
  for (const id of broken) await expectEnd(id, 'completed', 'retry');
}, 300_000);
