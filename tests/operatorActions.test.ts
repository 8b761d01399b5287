import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { listAuditOf } from '../db/auditEntries.ts';
import { readBillState } from '../db/bills.ts';
import { eventsAfter } from '../db/sessions.ts';
import { eraseSession } from '../db/sessionSteps.ts';
import { ApiError } from '../domain/errors.ts';
import type { SessionEvent, SessionEventType } from '../domain/events.ts';
import type { Act } from '../domain/operations.ts';
import type { SessionStep, SessionWorkflowInput } from '../domain/session.ts';
import { minuteMs } from '../domain/time.ts';
import { actOnSession } from '../operations/act.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { breakHistories } from './brokenHistories.ts';
import { exampleOf } from './examples.ts';
import { putNextAttemptOff } from './nextAttempt.ts';
import { expectNoGap } from './numbering.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsStripe, stripeAnswers, type StripeAnswer } from './stripeListener.ts';
import { until } from './until.ts';

/*
 * What operators press, on sessions in every state (T5). Stripe is a listener that answers each session by itself and
 * counts what it takes.
 */

type StripeMood = 'willing' | 'declining' | 'refusing' | 'silent';

let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let mood: StripeMood;

beforeAll(async () => {
  stripe = await listenAsStripe((path) => answerOf(path));
  platform = await startPlatform({ STRIPE_API_BASE: stripe.url });
});
beforeEach(() => {
  mood = 'willing';
});
afterAll(async () => {
  await platform.close();
  await stripe.close();
});

function answerOf(path: string): StripeAnswer | 'hang up' {
  if (path === '/v1/customers') return stripeAnswers.customer;
  if (path !== '/v1/billing/meter_events') return stripeAnswers.taken;
  switch (mood) {
    case 'willing':
      return stripeAnswers.taken;
    case 'declining':
      return stripeAnswers.declined;
    case 'refusing':
      return stripeAnswers.refused;
    case 'silent':
      return 'hang up';
  }
}

const by = { command: 'a test' };
const reason = 'a test asks for it';
const deps = () => ({ database: platform.resources.database, workflows: platform.workflows });
const service = () => platform.resources.database.asService();

/** By what it took effect, or the code by which it was refused. */
async function press(sessionId: string, act: Act): Promise<string> {
  try {
    return (await actOnSession(deps(), { sessionId, act, reason, by })).means;
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}

const start = async (given: Partial<SessionWorkflowInput> = {}, email?: string) =>
  (await platform.startSession(await exampleOf('dowsing'), given, email)).sessionId;

/** Brings a session into each state that an operator may find it in. */
const states = {
  recording: () => start({ analyzeAtOnce: false }),
  /** Its content is gone for the moment, so each attempt fails. */
  'analyzing, between attempts': async () => {
    const { sessionId } = await withoutContent();
    await untilFact(sessionId, ({ data }) => data.attempt === 2);
    await untilBackingOff(sessionId, 'analyze');
    return sessionId;
  },
  'notifying, parked': async () => {
    const sessionId = await start({}, `nobody-${randomUUID()}`);
    await platform.untilEvent(sessionId, 'stuck');
    return sessionId;
  },
  'billing, between attempts': async () => {
    mood = 'silent';
    const sessionId = await start();
    await platform.untilEvent(sessionId, 'notified');
    await untilBackingOff(sessionId, 'bill');
    return sessionId;
  },
  'billing, parked': async () => {
    mood = 'declining';
    const sessionId = await start();
    await platform.untilEvent(sessionId, 'stuck');
    return sessionId;
  },
  completed: async () => {
    const sessionId = await start();
    await platform.untilEvent(sessionId, 'completed');
    return sessionId;
  },
} as const;
type State = keyof typeof states;

const acts = {
  retry: { action: 'retry' },
  pause: { action: 'pause' },
  resume: { action: 'resume' },
  'reset to analyze': { action: 'reset', step: 'analyze' },
  'reset to notify': { action: 'reset', step: 'notify' },
  'reset to bill': { action: 'reset', step: 'bill' },
  skip: { action: 'skip' },
} as const satisfies Record<string, Act>;

/** What each press comes to in each state. */
const expected: Record<State, Record<keyof typeof acts, string>> = {
  recording: {
    retry: 'not_stuck',
    pause: 'nothing_to_pause',
    resume: 'not_paused',
    'reset to analyze': 'step_not_reached',
    'reset to notify': 'step_not_reached',
    'reset to bill': 'step_not_reached',
    skip: 'not_skippable',
  },
  'analyzing, between attempts': {
    retry: 'attempt',
    pause: 'pause',
    resume: 'not_paused',
    'reset to analyze': 'restart',
    'reset to notify': 'step_not_reached',
    'reset to bill': 'step_not_reached',
    skip: 'not_skippable',
  },
  'notifying, parked': {
    retry: 'signal',
    pause: 'nothing_to_pause',
    resume: 'not_paused',
    'reset to analyze': 'restart',
    'reset to notify': 'restart',
    'reset to bill': 'step_not_reached',
    skip: 'restart',
  },
  'billing, between attempts': {
    retry: 'attempt',
    pause: 'pause',
    resume: 'not_paused',
    'reset to analyze': 'restart',
    'reset to notify': 'restart',
    'reset to bill': 'restart',
    skip: 'not_skippable',
  },
  'billing, parked': {
    retry: 'signal',
    pause: 'nothing_to_pause',
    resume: 'not_paused',
    'reset to analyze': 'restart',
    'reset to notify': 'restart',
    'reset to bill': 'restart',
    skip: 'not_skippable',
  },
  completed: {
    retry: 'session_ended',
    pause: 'session_ended',
    resume: 'session_ended',
    'reset to analyze': 'session_ended',
    'reset to notify': 'session_ended',
    'reset to bill': 'session_ended',
    skip: 'session_ended',
  },
};
const refusals = ['not_stuck', 'nothing_to_pause', 'not_paused', 'step_not_reached', 'not_skippable', 'session_ended'];

describe.each(Object.keys(states) as State[])('a session that is %s', (state) => {
  test.each(Object.keys(acts) as (keyof typeof acts)[])('%s', async (name) => {
    const sessionId = await states[state]();
    const wanted = expected[state][name];
    expect(await press(sessionId, acts[name])).toBe(wanted);
    const isRefused = refusals.includes(wanted);
    const [entry] = await listAuditOf(service(), sessionId, 10);
    expect(entry).toMatchObject({
      action: acts[name].action,
      outcome: isRefused ? 'refused' : 'done',
      reason,
      byCommand: by.command,
    });
    expectNoGap(await eventsOf(sessionId));
  });

  test('cancel ends it, and leaves nothing billed; pressed again it changes nothing (A4)', async () => {
    const sessionId = await states[state]();
    if (state === 'completed') {
      expect(await press(sessionId, { action: 'cancel', deleteContent: false })).toBe('session_ended');
      return;
    }
    const cancel = { action: 'cancel', deleteContent: false } as const;
    expect(await press(sessionId, cancel)).toBe('cancellation');
    expect(['cancellation', 'session_ended']).toContain(await press(sessionId, cancel));
    mood = 'willing';
    await platform.untilEvent(sessionId, 'cancelled');
    expect(await press(sessionId, cancel)).toBe('session_ended');
    expect([null, 'void']).toContain(await readBillState(service(), sessionId));
    expectNoGap(await eventsOf(sessionId));
  });
});

describe('retrying now', () => {
  test('makes the next attempt at once, and counts attempts anew', async () => {
    const { sessionId, restore } = await withoutContent();
    await untilFact(sessionId, ({ data }) => data.attempt === 2);
    await untilBackingOff(sessionId, 'analyze');
    await restore();
    expect(await press(sessionId, acts.retry)).toBe('attempt');
    await platform.untilEvent(sessionId, 'completed');
    const attempts = (await eventsOf(sessionId)).map(({ data }) => data.attempt).filter((n) => n !== undefined);
    expect(attempts.at(-1)).toBe(1);
  });

  test('of a session whose workflow is gone restarts it where it is', async () => {
    const sessionId = await states['billing, parked']();
    mood = 'willing';
    await withClient((client) => client.workflow.getHandle(`session-${sessionId}`).terminate());
    expect(await press(sessionId, acts.retry)).toBe('restart');
    await platform.untilEvent(sessionId, 'completed');
    await expectBilledOnce(sessionId);
  });
});

test('an id in capital letters is the same session', async () => {
  const sessionId = await states.recording();
  expect(await press(sessionId.toUpperCase(), acts.retry)).toBe('not_stuck');
  expect(await eventsOf(sessionId)).toHaveLength(1);
});

describe('pausing', () => {
  test('holds the step until it is resumed; the session is billed once', async () => {
    const sessionId = await states['billing, between attempts']();
    expect(await press(sessionId, acts.pause)).toBe('pause');
    expect(await press(sessionId, acts.pause)).toBe('pause');
    const callsBefore = stripe.usageOf(sessionId).length;
    mood = 'willing';
    await Promise.all([states.completed(), states.completed()]);
    expect(await platform.workflows.describeSession(sessionId)).toMatchObject({ activities: [{ state: 'paused' }] });
    expect(stripe.usageOf(sessionId)).toHaveLength(callsBefore);
    expect(await press(sessionId, acts.resume)).toBe('pause');
    await platform.untilEvent(sessionId, 'completed');
    expect(await press(sessionId, acts.resume)).toBe('session_ended');
    await expectBilledOnce(sessionId);
  });
});

describe('skipping', () => {
  test('leaves the mail out, goes on with the bill, and says so in the audit', async () => {
    const sessionId = await states['notifying, parked']();
    const pressed = await Promise.all([press(sessionId, acts.skip), press(sessionId, acts.skip)]);
    expect(pressed).toContain('restart');
    const events = await platform.untilEvent(sessionId, 'completed');
    expect(events).not.toContain('notified');
    await expectBilledOnce(sessionId);
    expectNoGap(await eventsOf(sessionId));
    const entries = await listAuditOf(service(), sessionId, 10);
    expect(entries.at(-1)).toMatchObject({ action: 'skip', outcome: 'done', details: { step: 'notify' } });
  });
});

describe('cancelling', () => {
  test('with its content leaves nothing of it, also when it is asked for a second time', async () => {
    const sessionId = await states['notifying, parked']();
    const cancel = { action: 'cancel', deleteContent: true } as const;
    expect(await press(sessionId, cancel)).toBe('erasure');
    expect(['erasure', 'not_found', 'session_ended']).toContain(await press(sessionId, cancel));
    await until(async () => (await service().execute('select from sessions where id = ?', [sessionId])).length === 0);
    // The second press may come after the session is gone, and is written down as refused.
    const first = (await listAuditOf(service(), sessionId, 10)).at(-1);
    expect(first).toMatchObject({ action: 'cancel', outcome: 'done', details: { deleteContent: true } });
  });
});

describe('pressing while the step finishes', () => {
  test.each(['reset to analyze', 'reset to bill', 'retry'] as const)(
    '%s, at any moment: the session completes, is billed once, and no event is missing (A4)',
    async (name) => {
      const ids = await Promise.all(Array.from({ length: 6 }, () => start()));
      const moments: SessionEventType[] = ['created', 'analysis_started', 'analysis_completed', 'notified'];
      await Promise.all(
        ids.map(async (sessionId, i) => {
          await platform.untilEvent(sessionId, moments[i % moments.length] ?? 'created');
          await Promise.all([press(sessionId, acts[name]), press(sessionId, acts[name])]);
          await platform.untilEvent(sessionId, 'completed');
          await expectBilledOnce(sessionId);
          expectNoGap(await eventsOf(sessionId));
        }),
      );
    },
  );
});

describe('a history that cannot be replayed', () => {
  test('is left behind by a reset, and by a retry: the session completes and is billed once', async () => {
    for (const act of [acts['reset to notify'], acts.retry]) {
      const sessionId = await states['billing, parked']();
      await breakHistories(platform, [sessionId]);
      mood = 'willing';
      expect(await press(sessionId, act)).toBe('restart');
      await platform.untilEvent(sessionId, 'completed');
      await expectBilledOnce(sessionId);
      expectNoGap(await eventsOf(sessionId));
    }
  });

  test('is cancelled by one press, and what Stripe may have taken is taken back', async () => {
    mood = 'refusing';
    const sessionId = await start();
    await platform.untilEvent(sessionId, 'stuck');
    await breakHistories(platform, [sessionId]);
    expect(await press(sessionId, { action: 'cancel', deleteContent: false })).toBe('cancellation');
    await platform.untilEvent(sessionId, 'cancelled');
    expect(await readBillState(service(), sessionId)).toBe('void');
    expectNoGap(await eventsOf(sessionId));
  });
});

describe('deleting a session whose workflow cannot end by itself', () => {
  const statusOf = async (sessionId: string) => (await platform.workflows.describeSession(sessionId))?.status;
  const terminate = (sessionId: string) =>
    withClient(async (client) => {
      await client.workflow.getHandle(`session-${sessionId}`).terminate();
    });
  /** At its bill, of which Stripe may have heard. */
  async function perhapsBilled(): Promise<string> {
    mood = 'refusing';
    const sessionId = await start();
    await platform.untilEvent(sessionId, 'stuck');
    expect(await readBillState(service(), sessionId)).toBe('sending');
    return sessionId;
  }

  test.each([
    ['cannot go on from its history', (sessionId: string) => breakHistories(platform, [sessionId])],
    ['is gone', terminate],
  ])('since it %s leaves no run open, and nothing billed (A1, A4)', async (_name, lose) => {
    const sessionId = await perhapsBilled();
    await lose(sessionId);
    expect(await platform.workflows.eraseSession(sessionId)).toBe('erased');
    expect(await statusOf(sessionId)).toBe('TERMINATED');
    expect(await readBillState(service(), sessionId)).toBe('void');
  });

  test('leaves one that can to its own end', async () => {
    const sessionId = await perhapsBilled();
    expect(await platform.workflows.eraseSession(sessionId)).toBe('erased');
    await until(async () => (await statusOf(sessionId)) === 'CANCELLED');
    expect(await readBillState(service(), sessionId)).toBe('void');
  });

  test('is done by an operator’s cancel where it showed only later', async () => {
    const sessionId = await states.recording();
    await breakHistories(platform, [sessionId]);
    await eraseSession(service(), sessionId);
    expect(await press(sessionId, { action: 'cancel', deleteContent: false })).toBe('erasure');
    await until(async () => (await statusOf(sessionId)) === 'TERMINATED');
    expect(await press(sessionId, { action: 'cancel', deleteContent: false })).toBe('not_found');
  });
});

/** Everything that may have been taken has one identifier, by which Stripe takes it once, and the book says so. */
async function expectBilledOnce(sessionId: string): Promise<void> {
  expect(await readBillState(service(), sessionId)).toBe('sent');
  const { length } = await service().execute('select from bills where session_id = ?', [sessionId]);
  expect(length).toBe(1);
  const identifiers = stripe.usageOf(sessionId).map(({ body }) => body.get('identifier'));
  expect(new Set(identifiers)).toEqual(new Set([`session-${sessionId}`]));
}

const eventsOf = (sessionId: string): Promise<SessionEvent[]> => eventsAfter(service(), sessionId, 0);

/** A session whose content is not there while it is analyzed; `restore` puts it back. */
async function withoutContent() {
  const input = await platform.startSession(await exampleOf('dowsing'), { analyzeAtOnce: false });
  const { sessionId, userId, contentKey, fingerprint } = input;
  const { contents } = platform.resources;
  await contents.delete(contentKey);
  await platform.workflows.startAnalysis(sessionId);
  return {
    sessionId,
    restore: async () => {
      expect(await contents.put({ sessionId, userId }, fingerprint, await exampleOf('dowsing'))).toBe(contentKey);
    },
  };
}

const untilFact = (sessionId: string, holds: (event: SessionEvent) => boolean) =>
  until(async () => (await eventsOf(sessionId)).some(holds));

/** Waits until the step has failed, and the next attempt is so far off that there is time to press something. */
async function untilBackingOff(sessionId: string, step: SessionStep): Promise<void> {
  await putNextAttemptOff(platform, sessionId, step);
  await until(async () => {
    const run = await platform.workflows.describeSession(sessionId);
    return run?.activities.some(({ nextAttemptAt }) => Number(nextAttemptAt) > Date.now() + minuteMs) === true;
  });
}

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const { config } = platform.resources;
  const connection = await connectTemporal(config);
  try {
    return await work(new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }));
  } finally {
    await connection.close();
  }
}
