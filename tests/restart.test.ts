import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { readBillState } from '../db/bills.ts';
import { recordOutcome } from '../db/outcomes.ts';
import { recordRestart } from '../db/sessionRestart.ts';
import { recordStep } from '../db/sessionSteps.ts';
import { eventsAfter, findResults, findSession } from '../db/sessions.ts';
import { insertEndpoint, queueDeliveries } from '../db/webhooks.ts';
import type { SessionWorkflowInput } from '../domain/session.ts';
import { restartSession, type RestartRequest } from '../operations/restart.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { exampleOf } from './examples.ts';
import { expectNoGap } from './numbering.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsStripe, stripeAnswers, willing, type StripeAnswer } from './stripeListener.ts';
import { until } from './until.ts';

let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let answerOfStripe: (path: string) => StripeAnswer | 'hang up';

const declining = (path: string): StripeAnswer =>
  path === '/v1/billing/meter_events' ? stripeAnswers.declined : willing(path);

beforeAll(async () => {
  stripe = await listenAsStripe((path) => answerOfStripe(path));
  platform = await startPlatform({ STRIPE_API_BASE: stripe.url });
});
beforeEach(() => {
  answerOfStripe = willing;
});
afterAll(async () => {
  await platform.close();
  await stripe.close();
});

const service = () => platform.resources.database.asService();
const restart = (request: RestartRequest) =>
  restartSession({ database: platform.resources.database, workflows: platform.workflows }, request);

describe('a restart (T5)', () => {
  test('of a session that is being recorded keeps it so, until analysis is asked for', async () => {
    const { sessionId } = await recording();
    expect(await restart({ sessionId })).toBeNull();
    await platform.untilEvent(sessionId, 'restarted');
    await platform.workflows.startAnalysis(sessionId);
    const events = await platform.untilEvent(sessionId, 'completed');
    expect(events).toEqual(['created', 'restarted', ...smoothRest]);
    await expectNoGapIn(sessionId);
    expect(stripe.usageOf(sessionId)).toHaveLength(1);
  });

  test('keeps an analysis that was asked for, and a cancellation', async () => {
    const { sessionId } = await unheard((handle) => handle.signal('analyze'));
    await restart({ sessionId });
    expect(await platform.untilEvent(sessionId, 'completed')).toEqual(['created', 'restarted', ...smoothRest]);

    const { sessionId: unwanted } = await unheard(async (handle) => {
      await handle.cancel();
    });
    expect(await restart({ sessionId: unwanted })).toBe('cancellation');
    expect(await platform.untilEvent(unwanted, 'cancelled')).toEqual(['created', 'restarted', 'cancelled']);
  });

  test.each(['analyze', 'notify', 'bill'] as const)(
    'at %s does the steps from there on, and bills once (A4)',
    async (from) => {
      const { sessionId, userId } = await stuckAtItsBill();
      answerOfStripe = willing;
      expect(await restart({ sessionId, from })).toBe(from);
      const events = await platform.untilEvent(sessionId, 'completed');
      const done = { analyze: smoothRest, notify: smoothRest.slice(2), bill: smoothRest.slice(3) }[from];
      expect(events.slice(events.indexOf('restarted'))).toEqual(['restarted', ...done]);
      await expectNoGapIn(sessionId);
      expect(await readBillState(service(), sessionId)).toBe('sent');
      expect(await findSession(platform.resources.database.asUser(userId), sessionId)).toMatchObject({ stuck: null });
      expect(await findResults(service(), sessionId)).not.toHaveLength(0);
    },
  );

  test('never goes past what is not done', async () => {
    const { sessionId } = await recording();
    await restart({ sessionId, from: 'bill' });
    await platform.untilEvent(sessionId, 'restarted');
    await platform.workflows.startAnalysis(sessionId);
    expect(await platform.untilEvent(sessionId, 'completed')).toEqual(['created', 'restarted', ...smoothRest]);
  });

  test('asked twice under one id, or by many at once, does each step that is left once (A4)', async () => {
    const { sessionId } = await stuckAtItsBill();
    answerOfStripe = willing;
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => restart({ sessionId, from: 'analyze' })));
    expect(asked.some(({ status }) => status === 'fulfilled')).toBe(true);
    await platform.untilEvent(sessionId, 'completed');
    await expectNoGapIn(sessionId);
    const taken = stripe.usageOf(sessionId);
    expect(new Set(taken.slice(1).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);

    const { sessionId: other } = await stuckAtItsBill();
    const once = { sessionId: other, from: 'notify', id: crypto.randomUUID() } as const;
    await restart(once);
    await restart(once);
    await platform.untilEvent(other, 'restarted');
    // Temporal's search is a moment behind.
    expect(
      await until(
        () => runsOf(other),
        (runs) => runs > 1,
      ),
    ).toBe(2);
  });

  test('into its cancellation takes back what Stripe may have taken (A4, X1)', async () => {
    answerOfStripe = (path) => (path === '/v1/billing/meter_events' ? stripeAnswers.refused : willing(path));
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(sessionId, 'stuck');
    await restart({ sessionId, from: 'cancellation' });
    expect((await platform.untilEvent(sessionId, 'cancelled')).slice(-2)).toEqual(['restarted', 'cancelled']);
    expect(await readBillState(service(), sessionId)).toBe('void');
    await expectNoGapIn(sessionId);
  });

  test('has what is analyzed again told to the owner’s own systems again, and nothing twice (X1)', async () => {
    const { sessionId, userId } = await stuckAtItsBill();
    const endpoint = { id: crypto.randomUUID(), userId, url: 'http://127.0.0.1:1/', description: null };
    await insertEndpoint(platform.resources.database.asUser(userId), {
      ...endpoint,
      events: ['analysis.completed'],
      sealedSecret: Buffer.from('none'),
    });
    const queue = async () => (await queueDeliveries(service(), sessionId, 'analysis.completed')).map(({ id }) => id);
    const [first] = await queue();
    await recordRestart(service(), { sessionId, from: 'analyze' });
    const analyzed = { sessionId, from: ['analyzing'], status: 'notifying', step: 'analyze' } as const;
    await recordStep(service(), { ...analyzed, type: 'analysis_completed' });
    const both = await queue();
    expect(new Set(both).size).toBe(2);
    expect(both).toContain(first);
    expect((await queue()).sort()).toEqual(both.sort());
  });

  test('never has a session analyzed again once its outcome is recorded (M5)', async () => {
    const { sessionId, userId } = await stuckAtItsBill();
    await recordOutcome(platform.resources.database.asUser(userId), {
      sessionId,
      outcome: { answer: 'yes' },
      scorecard: { scores: [], trial: null, claim: null },
      knownAt: new Date().toISOString(),
      recordedBy: userId,
    });
    await expect(restart({ sessionId, from: 'analyze' })).rejects.toMatchObject({ code: 'outcome_recorded' });
    const before = await findResults(service(), sessionId);
    expect(await recordRestart(service(), { sessionId, from: 'analyze' })).toMatchObject({ status: 'billing' });
    expect(await findResults(service(), sessionId)).toEqual(before);
    expect(before).not.toHaveLength(0);
  });

  test('of a session that has ended, or never was, is refused', async () => {
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(sessionId, 'completed');
    await expect(restart({ sessionId, from: 'bill' })).rejects.toMatchObject({ code: 'session_ended' });
    await expect(restart({ sessionId: crypto.randomUUID() })).rejects.toMatchObject({ code: 'not_found' });
  });
});

const smoothRest = ['analysis_started', 'analysis_completed', 'notified', 'completed'];

async function recording(): Promise<SessionWorkflowInput> {
  return platform.startSession(await exampleOf('dowsing'), { analyzeAtOnce: false });
}

async function stuckAtItsBill(): Promise<SessionWorkflowInput> {
  answerOfStripe = declining;
  const input = await platform.startSession(await exampleOf('dowsing'));
  await platform.untilEvent(input.sessionId, 'stuck');
  return input;
}

async function expectNoGapIn(sessionId: string): Promise<void> {
  expectNoGap(await eventsAfter(service(), sessionId, 0));
}

type Handle = ReturnType<Client['workflow']['getHandle']>;

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const { config } = platform.resources;
  const connection = await connectTemporal(config);
  try {
    return await work(new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }));
  } finally {
    await connection.close();
  }
}

/** A session that is being recorded whose run is heard by no worker, with something asked of it. */
async function unheard(ask: (handle: Handle) => Promise<void>): Promise<SessionWorkflowInput> {
  const input = await recording();
  await withClient(async (client) => {
    const handle = await client.workflow.start('sessionWorkflow', {
      workflowId: `session-${input.sessionId}`,
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      taskQueue: 'nobody',
      args: [input],
    });
    await ask(handle);
  });
  return input;
}

function runsOf(sessionId: string): Promise<number> {
  return withClient(async (client) => {
    const { count } = await client.workflow.count(`WorkflowId = 'session-${sessionId}'`);
    return count;
  });
}
