import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { readConfig, type Config } from '../config.ts';
import { listAuditOf, type AuditEntry } from '../db/auditEntries.ts';
import { readBillState } from '../db/bills.ts';
import { eventsAfter, findSession } from '../db/sessions.ts';
import { countStuck, listForOperators } from '../db/stuckSessions.ts';
import type { SessionEventType } from '../domain/events.ts';
import type { SessionStatus, SessionWorkflowInput } from '../domain/session.ts';
import { stuckLimits, type StuckLimits, type StuckReason } from '../domain/stuck.ts';
import { findStuckSessions } from '../operations/stuck.ts';
import { openResources, type Resources } from '../resources.ts';
import { createWorkflowClient, type WorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { standApart } from './apart.ts';
import { breakHistories } from './brokenHistories.ts';
import { exampleOf } from './examples.ts';
import { putNextAttemptOff } from './nextAttempt.ts';
import { expectNoGap } from './numbering.ts';
import { patientWaitMs, startSession } from './platform.ts';
import { startProcess, type AppProcess } from './processes.ts';
import { listenAsStripe, stripeAnswers } from './stripeListener.ts';
import { until } from './until.ts';

/*
 * The night that the operators' tools are for (T5, A4): a hundred sessions are stuck in five ways at once, and the
 * command line brings each to its right end.
 */

jest.setTimeout(1_200_000);

const ofEach = 20;
/** A bill has failed too often with its fourth attempt, and has taken too long as soon as it is under way. */
const limits: StuckLimits = {
  ...stuckLimits,
  unpolledMs: 0,
  stepMs: { ...stuckLimits.stepMs, bill: 0 },
  attempts: { ...stuckLimits.attempts, bill: 3 },
};

let mood: 'willing' | 'declining' | 'hanging up' | 'holding' = 'willing';
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let config: Config;
let environment: Record<string, string>;
let resources: Resources;
let workflows: WorkflowClient;
let closeClient: () => Promise<void>;
const processes: AppProcess[] = [];

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  stripe = await listenAsStripe((path) => {
    if (path === '/v1/customers') return stripeAnswers.customer;
    // Taking usage back is always possible.
    if (path !== '/v1/billing/meter_events' || mood === 'willing') return stripeAnswers.taken;
    if (mood === 'declining') return stripeAnswers.declined;
    return mood === 'holding' ? 'hold' : 'hang up';
  });
  const apart = await standApart({ models: true });
  environment = { ...apart, STRIPE_API_BASE: stripe.url, LOG_LEVEL: 'silent' };
  config = { ...readConfig(), ...apart, LOG_LEVEL: 'silent' };
  resources = openResources(config, 'test');
  const connection = await connectTemporal(config);
  workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE, waitMs: patientWaitMs });
  closeClient = () => connection.close();
  processes.push(await startProcess('workers/cpu.ts', environment));
});
afterAll(async () => {
  await Promise.all(processes.map((each) => each.stop()));
  await closeClient();
  await resources.close();
  await stripe.close();
});

const service = () => resources.database.asService();
const checkout = fileURLToPath(new URL('..', import.meta.url));

/** Runs the command line, and expects that it did what it says. */
function ops(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: checkout, env: { ...process.env, ...environment } };
    execFile(process.execPath, ['cli/mindpeeker.mjs', 'ops', ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`ops ${args.join(' ')} failed: ${stderr}${stdout}`, { cause: error }));
    });
  });
}

async function startTwenty(given: Partial<SessionWorkflowInput> = {}): Promise<string[]> {
  const content = await exampleOf('dowsing');
  const starting = Array.from({ length: ofEach }, () => startSession({ resources, workflows }, content, given));
  return (await Promise.all(starting)).map(({ sessionId }) => sessionId);
}

/** Waits until all of them are so; in vain, what is told are those that are not. */
const untilAll = (ids: readonly string[], isSo: (id: string) => Promise<boolean>): Promise<string[]> =>
  until(
    async () => {
      const answers = await Promise.all(ids.map(isSo));
      return ids.filter((_id, i) => answers[i] !== true);
    },
    (others) => others.length === 0,
  );
const untilAllHad = (ids: readonly string[], type: SessionEventType): Promise<string[]> =>
  untilAll(ids, async (id) => (await eventsAfter(service(), id, 0)).some((event) => event.type === type));
const untilAllAre = (ids: readonly string[], status: SessionStatus): Promise<string[]> =>
  untilAll(ids, async (id) => (await findSession(service(), id))?.status === status);

/** Searches until exactly these are stuck for this reason. */
async function untilStuck(ids: readonly string[], reason: StuckReason): Promise<void> {
  await until(
    async () => {
      await findStuckSessions({ ...resources, workflows }, { limits });
      return (await listForOperators(service(), { reasons: [reason], limit: 100 })).rows.map(({ id }) => id);
    },
    (found) => found.length === ids.length && found.every((id) => ids.includes(id)),
  );
}

const bulk = (action: string, reason: StuckReason, ...more: string[]): Promise<string> =>
  ops('bulk', 'run', action, '--stuck-reason', reason, '--at-most', String(ofEach), '--per-second', '50', ...more);

test('a hundred sessions that are stuck in five ways all come to their right end, none billed twice (T5, A4)', async () => {
  const unpolled = await startTwenty();
  await untilStuck(unpolled, 'no_worker');
  processes.push(await startProcess('workers/gpu.ts', environment));
  await untilAllAre(unpolled, 'completed');

  const broken = await startTwenty({ analyzeAtOnce: false });
  await breakHistories({ resources, workflows }, broken);

  mood = 'declining';
  const parked = await startTwenty();
  await untilAllHad(parked, 'stuck');

  mood = 'hanging up';
  const failing = await startTwenty();
  await untilStuck(failing, 'many_attempts');

  mood = 'holding';
  const slow = await startTwenty();
  await untilAllHad(slow, 'notified');
  // However long the rest takes, these have not failed too often.
  for (const id of slow) await putNextAttemptOff({ resources }, id, 'bill');
  await untilStuck(slow, 'overdue');
  await untilStuck(broken, 'nondeterministic');
  await untilStuck(parked, 'gave_up');
  await untilStuck(failing, 'many_attempts');
  expect(await ops('stuck', '--limit', '100')).toContain('80 stuck');

  // Who pays by a card that is declined for good does not get to keep waiting; the others are taken on.
  await bulk('cancel', 'overdue', '--reason', 'The people asked for it.');
  mood = 'willing';
  await bulk('retry', 'gave_up', '--reason', 'The cards are mended.');
  await bulk('retry', 'many_attempts', '--reason', 'Stripe is back.');
  await bulk('retry', 'nondeterministic', '--reason', 'The deploy was taken back.');

  await untilAllAre(slow, 'cancelled');
  await untilAllAre([...parked, ...failing, ...broken], 'completed');
  await until(
    async () => {
      await findStuckSessions({ ...resources, workflows }, { limits });
      return countStuck(service());
    },
    (stuck) => stuck.length === 0,
  );

  const acted = new Map([
    ...slow.map((id) => [id, 'cancel'] as const),
    ...[...parked, ...failing, ...broken].map((id) => [id, 'retry'] as const),
  ]);
  for (const id of [...unpolled, ...acted.keys()]) {
    expectNoGap(await eventsAfter(service(), id, 0));
    const audit = await listAuditOf(service(), id, 10);
    const pressed = audit.map((entry) => [entry.action, entry.outcome]);
    if (failing.includes(id)) {
      const outcome = audit.some(cameTooLate) ? 'refused' : 'done';
      expect([[], [['retry', outcome]]]).toContainEqual(pressed);
    } else {
      expect(pressed).toEqual(acted.has(id) ? [[acted.get(id), 'done']] : []);
    }
    // Stripe knows a session's usage by one identifier, so however often it was told, it counts once.
    const identifiers = stripe.usageOf(id).map(({ body }) => body.get('identifier'));
    expect(new Set(identifiers).size).toBeLessThanOrEqual(1);
    expect(await readBillState(service(), id)).toBe(slow.includes(id) ? 'void' : 'sent');
  }
});

/**
 * Once Stripe is back, what failed again and again may be at its next attempt, or past it, before the retry comes, which
 * is then refused; where the list was made later still it holds no such session, and nothing is pressed.
 */
const cameTooLate = ({ details }: AuditEntry): boolean =>
  details?.code === 'not_stuck' || details?.code === 'session_ended';
