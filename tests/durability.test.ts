import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { createApiClient } from '../cli/apiClient.ts';
import { readConfig } from '../config.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { readBillState } from '../db/bills.ts';
import { eventsAfter } from '../db/sessions.ts';
import type { SessionEvent, SessionEventType } from '../domain/events.ts';
import { exampleOf } from './examples.ts';
import { expectNoGap } from './numbering.ts';
import { startProcess, type AppProcess } from './processes.ts';
import { listenAsStripe, willing } from './stripeListener.ts';
import { until } from './until.ts';

/*
 * Processes die as they do in production, by SIGKILL, and sessions go on. The gateway and both pools run as processes
 * of their own here; Stripe is a listener that counts what it is asked.
 */

const patienceMs = 90_000;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.();
});

test(
  'both workers are killed in the middle of an analysis: the session completes, is billed once, no event is missing (T1, T2)',
  async () => {
    const { database, stripe, environment } = await surroundings();
    const workers = () => Promise.all([start('workers/cpu.ts', environment), start('workers/gpu.ts', environment)]);
    const api = await start('api/main.ts', environment);
    const client = createApiClient(api.url);
    const { accessToken } = await client.register(newPerson());

    const killDuring = async (time: number): Promise<string> => {
      const running = await workers();
      const { id } = await client.createSession(accessToken, largeTable(time));
      await untilEvent(database, id, 'analysis_started');
      await Promise.all(running.map((worker) => worker.kill()));
      // One that was through before it could be killed is followed by another.
      return types(await eventsOf(database, id)).includes('analysis_completed') ? killDuring(time + 1) : id;
    };
    const id = await killDuring(1);

    await workers();
    const events = await untilEvent(database, id, 'completed');
    expect(types(events)).toEqual([
      'created',
      'analysis_started',
      'analysis_started',
      'analysis_completed',
      'notified',
      'completed',
    ]);
    expectNoGap(events);
    expect(await readBillState(database.asService(), id)).toBe('sent');
    expect(stripe.usageOf(id)).toHaveLength(1);
  },
  4 * patienceMs,
);

test(
  'the gateway is killed between its answer and the first event: another one tells the whole story (T1, T3, G4)',
  async () => {
    const { database, stripe, environment } = await surroundings();
    await Promise.all([start('workers/cpu.ts', environment), start('workers/gpu.ts', environment)]);
    const api = await start('api/main.ts', environment);
    const client = createApiClient(api.url);
    const { accessToken } = await client.register(newPerson());

    const { id } = await client.createSession(accessToken, await exampleOf('dowsing'));
    await api.kill();

    const next = await start('api/main.ts', environment);
    const live = await createApiClient(next.url).follow(accessToken, id, patienceMs);
    expect(live.map(({ data }) => data.seq)).toEqual(live.map((_, i) => i + 1));
    expect(live.at(-1)?.data.status).toBe('completed');
    const events = await eventsOf(database, id);
    expect(types(events)).toEqual(['created', 'analysis_started', 'analysis_completed', 'notified', 'completed']);
    expectNoGap(events);
    expect(stripe.usageOf(id)).toHaveLength(1);
  },
  4 * patienceMs,
);

/** What the processes of a test work with; everything is ended after the test, in reverse. */
async function surroundings() {
  const config = readConfig();
  const database = openDatabase({ url: config.DATABASE_URL, poolMax: 2 });
  ends.push(() => database.close());
  const stripe = await listenAsStripe(willing);
  ends.push(stripe.close);
  // Workers of their own: another test's workers must not take this session's steps.
  return { database, stripe, environment: { STRIPE_API_BASE: stripe.url } };
}

async function start(
  script: Parameters<typeof startProcess>[0],
  environment: Record<string, string>,
): Promise<AppProcess> {
  const started = await startProcess(script, environment);
  ends.push(() => started.stop());
  return started;
}

/** A table whose analysis takes long enough to be killed in its middle; each time another one, which nothing remembers. */
function largeTable(time: number): unknown {
  const [rows, dimensions] = [5_000, 120];
  return {
    sessionType: 'intuitive_analysis',
    cue: 'A table that takes its time',
    metadata: { time },
    impressions: {
      dimensions: Array.from({ length: dimensions }, (_, i) => `d${i}`),
      rows: Array.from({ length: rows }, (_, r) =>
        Array.from({ length: dimensions }, (_, d) => Math.round(1_000 * Math.sin(r * 7 + d * 3)) / 1_000),
      ),
    },
  };
}

function newPerson() {
  const username = `p-${randomUUID()}`;
  return { email: `${username}@example.com`, username, password: randomUUID() };
}

function eventsOf(database: Database, sessionId: string): Promise<SessionEvent[]> {
  return eventsAfter(database.asService(), sessionId, 0);
}

function types(events: readonly SessionEvent[]): SessionEventType[] {
  return events.map(({ type }) => type);
}

function untilEvent(database: Database, sessionId: string, type: SessionEventType): Promise<SessionEvent[]> {
  return until(
    () => eventsOf(database, sessionId),
    (events) => types(events).includes(type),
    patienceMs,
  );
}
