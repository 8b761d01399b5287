import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { readBillState } from '../db/bills.ts';
import { findResults, findSession } from '../db/sessions.ts';
import { sessionTypes, type SessionWorkflowInput } from '../domain/session.ts';
import { resultDataSchemas } from '../domain/results.ts';
import { Random } from '../ml/random.ts';
import { drawSketch } from '../ml/remote-viewing/drawings/hand.ts';
import type { ObjectName } from '../ml/remote-viewing/drawings/objects.ts';
import { fileOf } from '../ml/remote-viewing/gallery.ts';
import { WorkflowEndedError } from '../temporal/client.ts';
import { isSealed } from '../temporal/codec.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { exampleOf } from './examples.ts';
import { asText, failureTextsIn, payloadsIn } from './histories.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsStripe, stripeAnswers, willing, type StripeAnswer } from './stripeListener.ts';
import { until } from './until.ts';

/** An address that the mail service refuses by its form. */
const unwritable = `nobody-${randomUUID()}`;

const smooth = ['created', 'analysis_started', 'analysis_completed', 'notified', 'completed'];

let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let answerOfStripe: (path: string) => StripeAnswer | 'hang up';

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

describe('a session', () => {
  test.each(sessionTypes)('of type %s goes from its creation to its bill (T1, A1, A2, M1)', async (sessionType) => {
    const { sessionId } = await platform.startSession(await exampleOf(sessionType));
    expect(await platform.untilEvent(sessionId, 'completed')).toEqual(smooth);

    const results = await findResults(service(), sessionId);
    expect(results.length).toBeGreaterThan(0);
    for (const { resultType, confidenceScore, data } of results) {
      expect(resultDataSchemas[resultType].safeParse(data).error).toBeUndefined();
      expect(confidenceScore).toBeGreaterThanOrEqual(0);
      expect(confidenceScore).toBeLessThanOrEqual(1);
    }
    expect(await readBillState(service(), sessionId)).toBe('sent');
    expect(stripe.usageOf(sessionId)).toHaveLength(1);
  });

  test('tells its owner by mail, without a word of its content (A3, X2, I5)', async () => {
    const { sessionId } = await platform.startSession({ ...(await exampleOf('dowsing')), cue: 'MARKER-of-the-cue' });
    await platform.untilEvent(sessionId, 'completed');
    const sink = await fetch(`${platform.resources.config.SENDGRID_API_BASE ?? ''}/messages.json`);
    const mails = JSON.stringify(await sink.json());
    expect(mails).toContain(sessionId);
    expect(mails).not.toContain('MARKER');
  });

  test('keeps its cue, impressions and results out of the workflow history (I5)', async () => {
    const { sessionId } = await platform.startSession({
      sessionType: 'remote_viewing',
      cue: 'MARKER-cue',
      impressions: { words: ['MARKER-word'], transcript: 'MARKER-transcript' },
      metadata: { note: 'MARKER-metadata' },
    });
    await platform.untilEvent(sessionId, 'completed');
    const history = asText(await readHistory(sessionId));
    expect(history).toContain(`"sessionId":"${sessionId}"`);
    expect(history).not.toContain('MARKER');
  });

  test('lies encrypted in Temporal, ids and messages of failures alike, and can be opened with the key (I5)', async () => {
    const { sessionId, userId } = await platform.startSession(
      { sessionType: 'dowsing', cue: 'nothing recorded' },
      { analyzeAtOnce: true },
    );
    await platform.untilEvent(sessionId, 'failed');
    const history = await readHistory(sessionId);
    const payloads = payloadsIn(history);
    expect(payloads.length).toBeGreaterThan(5);
    expect(payloads.filter((payload) => !isSealed(payload))).toEqual([]);
    expect(new Set(failureTextsIn(history))).toEqual(new Set(['Encoded failure']));
    const opened = asText(payloads);
    for (const told of [sessionId, userId, 'Dowsing · basic', 'No model']) expect(opened).toContain(told);
  });

  test('is ranked against a pool of pictures, which stay out of the database (D1, M5)', async () => {
    const random = new Random(3);
    const imageOf = async (name: ObjectName) => {
      const file = await fileOf(drawSketch(random, name));
      return { mediaType: 'image/png', base64: file.toString('base64') };
    };
    const targets = [
      { id: 'boat', image: await imageOf('boat') },
      { id: 'cactus', image: await imageOf('cactus') },
    ];
    const { sessionId, userId } = await platform.startSession({
      sessionType: 'remote_viewing',
      cue: '4821-0937',
      impressions: { sketches: [drawSketch(random, 'boat')] },
      metadata: { targets },
    });
    await platform.untilEvent(sessionId, 'completed');
    const results = await findResults(service(), sessionId);
    const match = results.find(({ resultType }) => resultType === 'remote_viewing.match');
    expect(match?.data).toMatchObject({ ranking: [{ id: 'boat' }, { id: 'cactus' }] });
    const session = await findSession(platform.resources.database.asUser(userId), sessionId);
    expect(session?.metadata).toEqual({ targets: targets.map(({ id }) => ({ id, hasImage: true })) });
  });

  test('two at the same time do not mix (T1)', async () => {
    const [dowsing, table] = [await exampleOf('dowsing'), await exampleOf('intuitive_analysis')];
    const sessions = await Promise.all(
      [dowsing, table, dowsing, table].map((content) => platform.startSession(content)),
    );
    for (const { sessionId, sessionType } of sessions) {
      expect(await platform.untilEvent(sessionId, 'completed')).toEqual(smooth);
      for (const { resultType } of await findResults(service(), sessionId)) {
        expect(resultType.startsWith(sessionType)).toBe(true);
      }
    }
  });

  test('that no model can read fails, and is not billed (A2)', async () => {
    const { sessionId } = await platform.startSession(
      { sessionType: 'dowsing', cue: 'nothing recorded' },
      { analyzeAtOnce: true },
    );
    expect(await platform.untilEvent(sessionId, 'failed')).toEqual(['created', 'analysis_started', 'failed']);
    expect(stripe.usageOf(sessionId)).toHaveLength(0);
  });
});

describe('starting', () => {
  test('the same request again joins the first one; another request under the same id is refused (T3)', async () => {
    const input = await recording();
    const again = await Promise.all(Array.from({ length: 5 }, () => platform.workflows.createSession(input)));
    const session = await findSession(platform.resources.database.asUser(input.userId), input.sessionId);
    for (const outcome of again)
      expect(outcome).toEqual({ kind: 'started', answer: { createdAt: session?.createdAt } });
    expect(await platform.workflows.createSession({ ...input, fingerprint: 'e'.repeat(64) })).toEqual({
      kind: 'other_request',
    });
    expect(await platform.untilEvent(input.sessionId, 'created')).toEqual(['created']);
  });

  test('a session whose workflow has ended is not started a second time (T1)', async () => {
    const input = await recording();
    await platform.workflows.cancelSession(input.sessionId);
    expect(await endOf(input)).toBe('CANCELLED');
    expect(await platform.workflows.createSession(input)).toMatchObject({ kind: 'started' });
    expect(await platform.workflows.createSession({ ...input, fingerprint: 'e'.repeat(64) })).toEqual({
      kind: 'ended',
    });
    expect(await platform.untilEvent(input.sessionId, 'cancelled')).toEqual(['created', 'cancelled']);
  });
});

describe('recording', () => {
  test('the session waits until analysis is asked for, and asking twice analyzes once (A2)', async () => {
    const { sessionId } = await recording();
    expect(await platform.untilEvent(sessionId, 'created')).toEqual(['created']);
    await platform.workflows.startAnalysis(sessionId);
    await platform.workflows.startAnalysis(sessionId).catch((error: unknown) => {
      expect(error).toBeInstanceOf(WorkflowEndedError);
    });
    expect(await platform.untilEvent(sessionId, 'completed')).toEqual(smooth);
  });
});

describe('cancelling', () => {
  test('while recording ends the session, and nothing is billed (A1)', async () => {
    const { sessionId } = await recording();
    await platform.workflows.cancelSession(sessionId);
    expect(await platform.untilEvent(sessionId, 'cancelled')).toEqual(['created', 'cancelled']);
    expect(await readBillState(service(), sessionId)).toBeNull();
  });

  test('right after starting ends it too, wherever it is (A1)', async () => {
    const sessions = await Promise.all(
      Array.from({ length: 4 }, async () => platform.startSession(await exampleOf('dowsing'))),
    );
    for (const { sessionId } of sessions) {
      await platform.workflows.cancelSession(sessionId).catch((error: unknown) => {
        expect(error).toBeInstanceOf(WorkflowEndedError);
      });
    }
    for (const input of sessions) {
      await endOf(input);
      const session = await findSession(platform.resources.database.asUser(input.userId), input.sessionId);
      expect(['cancelled', 'completed']).toContain(session?.status);
    }
  });

  test('while its bill is stuck takes back what Stripe may have taken (A4, X1)', async () => {
    answerOfStripe = (path) => (path === '/v1/billing/meter_events' ? stripeAnswers.refused : willing(path));
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(sessionId, 'stuck');
    await platform.workflows.cancelSession(sessionId);
    await platform.untilEvent(sessionId, 'cancelled');
    expect(await readBillState(service(), sessionId)).toBe('void');
    const voided = stripe.calls.filter(({ path }) => path === '/v1/billing/meter_event_adjustments');
    expect(voided.map(({ body }) => body.get('cancel[identifier]'))).toContain(`session-${sessionId}`);
  });
});

describe('a step that gives up', () => {
  test('parks the session with its cause, and a retry takes it on from there (T5, A4)', async () => {
    answerOfStripe = (path) => (path === '/v1/billing/meter_events' ? stripeAnswers.declined : willing(path));
    const { sessionId, userId } = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(sessionId, 'stuck');
    const [declined] = stripe.usageOf(sessionId);
    const stuckAt = Date.now();
    const owner = () => platform.resources.database.asUser(userId);
    expect(await findSession(owner(), sessionId)).toMatchObject({
      status: 'billing',
      step: 'bill',
      stuck: { step: 'bill', code: 'card_declined' },
    });

    answerOfStripe = willing;
    // Its key names the second in which it was asked.
    await until(() => Date.now() - stuckAt > 1_000);
    await platform.workflows.retrySession(sessionId);
    expect(await platform.untilEvent(sessionId, 'completed')).toEqual([
      'created',
      'analysis_started',
      'analysis_completed',
      'notified',
      'stuck',
      'retried',
      'completed',
    ]);
    expect(await findSession(owner(), sessionId)).toMatchObject({ status: 'completed', stuck: null });
    // Stripe answers a key with the same refusal for a day, so the retry asks under another one.
    expect(declined?.idempotencyKey).not.toBe(stripe.usageOf(sessionId).at(-1)?.idempotencyKey);
  });

  test('parks when the mail service refuses the message, and cancelling ends it (T5, X2)', async () => {
    const { sessionId, userId } = await platform.startSession(await exampleOf('dowsing'), {}, unwritable);
    await platform.untilEvent(sessionId, 'stuck');
    const session = await findSession(platform.resources.database.asUser(userId), sessionId);
    expect(session?.stuck).toMatchObject({ step: 'notify', code: 'rejected' });
    await platform.workflows.cancelSession(sessionId);
    await platform.untilEvent(sessionId, 'cancelled');
  });

  test('bills once although the answer of the first call was lost (A4, X1)', async () => {
    let lost = false;
    answerOfStripe = (path) => {
      if (path !== '/v1/billing/meter_events' || lost) return willing(path);
      lost = true;
      return 'hang up';
    };
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(sessionId, 'completed');
    const usage = stripe.usageOf(sessionId);
    expect(usage).toHaveLength(2);
    expect(new Set(usage.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(new Set(usage.map(({ body }) => body.get('timestamp'))).size).toBe(1);
  });

  test('does not repeat a call to Stripe that nobody can vouch for any more (A4)', async () => {
    answerOfStripe = (path) => (path === '/v1/billing/meter_events' ? 'hang up' : willing(path));
    const { sessionId, userId } = await platform.startSession(await exampleOf('dowsing'));
    await until(() => stripe.usageOf(sessionId).length > 0);
    await service().execute(`update bills set first_sent_at = now() - interval '25 hours' where session_id = ?`, [
      sessionId,
    ]);
    await platform.untilEvent(sessionId, 'stuck');
    const session = await findSession(platform.resources.database.asUser(userId), sessionId);
    expect(session?.stuck?.code).toBe('billing_uncertain');
    answerOfStripe = willing;
    await platform.workflows.cancelSession(sessionId);
    await platform.untilEvent(sessionId, 'cancelled');
  });
});

describe('erasing', () => {
  test('removes rows, cache and content, and ends the workflow (A1, D1, D2, D3)', async () => {
    const input = await recording();
    const { sessionId, userId, contentKey } = input;
    await platform.workflows.eraseSession(sessionId);
    await platform.workflows.eraseSession(sessionId);
    expect(await findSession(platform.resources.database.asUser(userId), sessionId)).toBeNull();
    expect(await platform.resources.cache.getStatus(sessionId)).toBeUndefined();
    await expect(platform.resources.contents.getStored(contentKey)).rejects.toThrow();
    expect(await endOf(input)).toBe('CANCELLED');
  });

  test('takes along what was remembered of its analysis (I5)', async () => {
    const content = await exampleOf('dowsing');
    const { sessionId, userId } = await platform.startSession(content);
    await platform.untilEvent(sessionId, 'completed');
    const { inferences, metrics } = platform.resources;
    const readAs = async (outcome: string) => {
      const { values } = await metrics.inferenceCacheReadsTotal.get();
      return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
    };
    const hits = await readAs('hit');
    await platform.startSession(content, { userId }).then((again) => platform.untilEvent(again.sessionId, 'completed'));
    expect(await readAs('hit')).toBe(hits + 1);
    await platform.workflows.eraseSession(sessionId);
    const misses = await readAs('miss');
    await platform.startSession(content, { userId }).then((again) => platform.untilEvent(again.sessionId, 'completed'));
    expect(await readAs('miss')).toBe(misses + 1);
    expect(await inferences.forget(sessionId)).toBe(true);
  });
});

test('the queues are polled each, and the GPU pool alone is limited (T2)', async () => {
  // A list of workers is empty for a moment where Temporal loads a queue anew, and what they ask for is unknown then.
  const states = await until(
    () => platform.workflows.queues.states(),
    (now) => now.every(({ workers }) => workers > 0) && now.some(({ limitPerSecond }) => limitPerSecond !== null),
  );
  expect(states.map(({ queue }) => queue)).toEqual(['mindpeeker-cpu', 'mindpeeker-gpu', 'mindpeeker-webhooks']);
  // What the GPU pool is spared stands in the configuration; the other queues have no limit of ours.
  const { GPU_TASKS_PER_SECOND } = platform.resources.config;
  expect(states.map(({ limitPerSecond }) => limitPerSecond)).toEqual([null, GPU_TASKS_PER_SECOND, null]);
});

/** A session that is still being recorded. */
async function recording(): Promise<SessionWorkflowInput> {
  return platform.startSession(await exampleOf('dowsing'), { analyzeAtOnce: false });
}

/** Waits until the session's workflow has ended, and says how. */
async function endOf({ sessionId }: SessionWorkflowInput): Promise<string> {
  const { config } = platform.resources;
  const namespace = config.TEMPORAL_NAMESPACE;
  const connection = await connectTemporal(config);
  const handle = new Client({ connection, namespace }).workflow.getHandle(`session-${sessionId}`);
  await handle.result().catch(() => undefined);
  const { status } = await handle.describe();
  await connection.close();
  return status.name;
}

/** The history of a session's workflow, as the server has it. */
async function readHistory(sessionId: string) {
  const { config } = platform.resources;
  const namespace = config.TEMPORAL_NAMESPACE;
  const connection = await connectTemporal(config);
  const { history } = await connection.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId: `session-${sessionId}` },
  });
  await connection.close();
  return history;
}
