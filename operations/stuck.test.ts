import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { countStuck, lastSearch, listForOperators } from '../db/stuckSessions.ts';
import { stuckLimits, type StuckLimits } from '../domain/stuck.ts';
import { openResources } from '../resources.ts';
import { createWorkflowClient, WorkflowUnavailableError } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { standApart } from '../tests/apart.ts';
import { exampleOf } from '../tests/examples.ts';
import { startPlatform, type Platform } from '../tests/platform.ts';
import { listenAsStripe, stripeAnswers, willing, type StripeAnswer } from '../tests/stripeListener.ts';
import { until } from '../tests/until.ts';
import { explainSession } from './explain.ts';
import { findStuckSessions, type StuckDeps } from './stuck.ts';

let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let answerOfStripe: (path: string) => StripeAnswer | 'hang up';

beforeAll(async () => {
  stripe = await listenAsStripe((path) => answerOfStripe(path));
  platform = await startPlatform({ ...(await standApart({ models: true })), STRIPE_API_BASE: stripe.url });
});
afterAll(async () => {
  await platform.close();
  await stripe.close();
});

const service = () => platform.resources.database.asService();
/** Everything counts as stuck that is not done at once. */
const impatient: StuckLimits = {
  stepMs: { create: 0, analyze: 0, notify: 0, bill: 0, record: 0 },
  attempts: { create: 1, analyze: 1, notify: 1, bill: 1, record: 1 },
  unpolledMs: 0,
  workflowTaskAttempts: 1,
};

/** The limits of every day, of sessions however young. */
const hurried: StuckLimits = { ...stuckLimits, unpolledMs: 0 };

/** Searches until the session is found so: Temporal's visibility is a moment behind. */
async function untilFoundIn(deps: StuckDeps, sessionId: string, limits: StuckLimits, reason: string | null) {
  return until(
    async () => {
      await findStuckSessions(deps, { limits });
      return (await listForOperators(deps.database.asService(), { ids: [sessionId], limit: 1 })).rows[0];
    },
    (row) => (row?.stuck?.reason ?? null) === reason,
  );
}

const untilFound = (sessionId: string, limits: StuckLimits, reason: string | null) =>
  untilFoundIn({ ...platform.resources, workflows: platform.workflows }, sessionId, limits, reason);
const explain = (sessionId: string) =>
  explainSession({ ...platform.resources, workflows: platform.workflows }, sessionId);

describe('a search for stuck sessions (T5)', () => {
  test('finds one whose step keeps failing, tells each attempt in plain words, and forgets it once it is through', async () => {
    answerOfStripe = () => 'hang up';
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    const found = await untilFound(sessionId, { ...hurried, attempts: impatient.attempts }, 'many_attempts');
    expect(found?.stuck).toMatchObject({ step: 'bill', code: null });

    const explanation = await explain(sessionId);
    expect(explanation?.failedAttempts[0]).toMatchObject({ step: 'bill', attempt: 1 });
    expect(explanation?.failedAttempts[0]?.meaning).not.toBe('');
    expect(explanation?.run?.activities[0]).toMatchObject({ step: 'bill', queue: 'mindpeeker-cpu' });
    expect(explanation?.summary).toContain('Dowsing · bill');

    answerOfStripe = willing;
    await platform.untilEvent(sessionId, 'completed');
    await untilFound(sessionId, impatient, null);
    expect((await explain(sessionId))?.suggestion.action).toBe('wait');
  });

  test('finds one whose step takes too long', async () => {
    answerOfStripe = () => 'hang up';
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    // Only the bill is hurried, and it may be tried for ever.
    const patient = {
      ...hurried,
      stepMs: { ...stuckLimits.stepMs, bill: 0 },
      attempts: { ...stuckLimits.attempts, bill: 99 },
    };
    const found = await untilFound(sessionId, patient, 'overdue');
    expect(found?.stuck?.step).toBe('bill');
    answerOfStripe = willing;
    await platform.untilEvent(sessionId, 'completed');
  });

  test('tells of a parked one at once, before any search, with its cause', async () => {
    answerOfStripe = (path) => (path === '/v1/customers' ? stripeAnswers.customer : stripeAnswers.declined);
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(sessionId, 'stuck');
    const [row] = (await listForOperators(service(), { reasons: ['gave_up'], ids: [sessionId], limit: 1 })).rows;
    expect(row?.stuck).toMatchObject({ reason: 'gave_up', code: 'card_declined', step: 'bill' });
    expect(await countStuck(service())).toContainEqual({ reason: 'gave_up', count: 1 });
    expect((await explain(sessionId))?.suggestion.action).toBe('retry');
    // The search, too, knows it from Temporal alone.
    await untilFound(sessionId, stuckLimits, 'gave_up');
    await platform.workflows.cancelSession(sessionId);
    await platform.untilEvent(sessionId, 'cancelled');
    expect(await countStuck(service())).toEqual([]);
  });

  test('leaves alone what waits for its person, and says when it was made', async () => {
    const { sessionId } = await platform.startSession({ sessionType: 'dowsing', cue: 'Is there water?' });
    await untilFound(sessionId, impatient, null);
    expect((await lastSearch(service()))?.finishedAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect((await explain(sessionId))?.suggestion.why).toMatch(/waits for its person/);
  });

  test('knows no session that never was', async () => {
    expect(await explain(randomUUID())).toBeNull();
  });
});

test('a session that nobody takes up is found though it has no row yet (T5)', async () => {
  const config = { ...readConfig(), ...(await standApart()) };
  const resources = openResources({ ...config, LOG_LEVEL: 'silent' }, 'test');
  const connection = await connectTemporal(config);
  // A server that is held up for a while has begun its workflow by then.
  const workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE, waitMs: 4_000 });
  const session = {
    sessionId: randomUUID(),
    userId: randomUUID(),
    sessionType: 'dowsing' as const,
    tier: 'professional' as const,
    fingerprint: 'a'.repeat(64),
    contentKey: 'k',
    hasImpressions: true,
    analyzeAtOnce: true,
  };
  await expect(workflows.createSession(session)).rejects.toBeInstanceOf(WorkflowUnavailableError);
  const found = await untilFoundIn({ ...resources, workflows }, session.sessionId, impatient, 'no_worker');
  expect(found).toMatchObject({ id: session.sessionId, status: 'pending', tier: 'professional' });
  await workflows.cancelSession(session.sessionId);
  await connection.close();
  await resources.close();
});
