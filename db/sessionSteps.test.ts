import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newSession, newUser, openTestDatabase } from '../tests/database.ts';
import { openStatuses } from '../domain/session.ts';
import type { Database } from './database.ts';
import {
  beginAnalysis,
  eraseSession,
  insertSession,
  readCreatedAt,
  readSessionType,
  recordStep,
  type NewSession,
} from './sessionSteps.ts';
import { eventsAfter, findResults, findSession, findState, missedEvents, reviseSession } from './sessions.ts';

let database: Database;
let userId: string;
beforeAll(async () => {
  database = openTestDatabase();
  userId = (await newUser(database)).id;
});
afterAll(() => database.close());

const em = () => database.asService();
const asUser = () => database.asUser(userId);
const analyzing = (sessionId: string) =>
  recordStep(em(), {
    sessionId,
    from: ['created', 'analyzing'],
    status: 'analyzing',
    step: 'analyze',
    type: 'analysis_started',
    attempt: 1,
  });

describe('insertSession', () => {
  test('stores the row, the state and event 1 together (D1)', async () => {
    const id = await newSession(database, userId, { cue: "O'Hara :cue ? $1", metadata: { note: 'a:b' } });
    expect(await findSession(asUser(), id)).toMatchObject({
      cue: "O'Hara :cue ? $1",
      metadata: { note: 'a:b' },
      status: 'created',
      step: 'create',
      lastSeq: 1,
      stuck: null,
    });
    expect(await eventsAfter(asUser(), id, 0)).toMatchObject([
      { seq: 1, type: 'created', data: { status: 'created' } },
    ]);
  });

  test('a second run changes nothing (T1)', async () => {
    const session: NewSession = {
      id: randomUUID(),
      userId,
      sessionType: 'dowsing',
      cue: 'first',
      metadata: null,
      fingerprint: 'a',
      contentKey: 'k',
      hasImpressions: false,
    };
    expect(await insertSession(em(), session)).toMatchObject({ seq: 1 });
    expect(await insertSession(em(), { ...session, cue: 'second' })).toBeNull();
    const stored = await findSession(asUser(), session.id);
    expect(stored).toMatchObject({ cue: 'first', lastSeq: 1 });
    expect(await readCreatedAt(em(), session.id)).toBe(stored?.createdAt);
  });
});

describe('recordStep', () => {
  test('numbers events without a gap under concurrent attempts (T1)', async () => {
    const id = await newSession(database, userId);
    await Promise.all(Array.from({ length: 12 }, () => analyzing(id)));
    const events = await eventsAfter(asUser(), id, 0);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
  });

  test('does nothing when the session is past the step (T1)', async () => {
    const id = await newSession(database, userId);
    await analyzing(id);
    const complete = () =>
      recordStep(em(), {
        sessionId: id,
        from: ['analyzing'],
        status: 'notifying',
        step: 'analyze',
        type: 'analysis_completed',
        results: [
          {
            id: randomUUID(),
            resultType: 'dowsing.answer',
            confidenceScore: 0.6,
            data: {
              model: { name: 'dowsing', version: '1', backend: 'js' },
              chance: { value: 0.5, meaning: 'a coin' },
              summary: 's',
              limits: 'l',
              yes: 0.6,
              no: 0.4,
              unclear: 0,
              interval: [0.4, 0.8],
            },
          },
        ],
      });
    expect(await complete()).toMatchObject({ seq: 3, data: { status: 'notifying' } });
    expect(await complete()).toBeNull();
    expect(await findResults(asUser(), id)).toMatchObject([{ resultType: 'dowsing.answer', confidenceScore: 0.6 }]);
  });

  test('a stuck session keeps its status and shows its cause until it goes on (T5)', async () => {
    const id = await newSession(database, userId);
    await analyzing(id);
    const stuck = {
      step: 'analyze',
      code: 'retries_exhausted',
      message: 'm',
      since: new Date().toISOString(),
    } as const;
    const event = await recordStep(em(), { sessionId: id, from: ['analyzing'], step: 'analyze', type: 'stuck', stuck });
    expect(event).toMatchObject({
      type: 'stuck',
      data: { status: 'analyzing', stuck: { code: 'retries_exhausted', message: 'm' } },
    });
    expect(await findSession(asUser(), id)).toMatchObject({ status: 'analyzing', stuck });
    await recordStep(em(), { sessionId: id, from: ['analyzing'], step: 'analyze', type: 'retried' });
    expect(await findSession(asUser(), id)).toMatchObject({ stuck: null, lastSeq: 4 });
  });

  test('an end writes the time of completion (D1)', async () => {
    const id = await newSession(database, userId);
    await recordStep(em(), { sessionId: id, from: ['created'], status: 'cancelled', step: null, type: 'cancelled' });
    const session = await findSession(asUser(), id);
    expect(session?.completedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await analyzing(id)).toBeNull();
  });
});

test('an end that waits for a step to commit still ends the session, whatever status the step left (A1, T1)', async () => {
  const sessionId = await newSession(database, userId);
  await analyzing(sessionId);
  let ended: ReturnType<typeof recordStep> | undefined;
  await em().transactional(async (step) => {
    await recordStep(step, {
      sessionId,
      from: ['analyzing'],
      status: 'notifying',
      step: 'analyze',
      type: 'analysis_completed',
    });
    ended = recordStep(em(), { sessionId, from: openStatuses, status: 'cancelled', step: null, type: 'cancelled' });
    await untilOneWaits();
  });
  expect(await ended).toMatchObject({ data: { status: 'cancelled' } });
  expect(await findSession(asUser(), sessionId)).toMatchObject({ status: 'cancelled' });
});

/** Waits until a statement of ours waits for another one's lock. */
async function untilOneWaits(): Promise<void> {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await em().execute<object[]>(waiting)).length === 0) await new Promise((resolve) => setImmediate(resolve));
}

test('an analysis that begins learns where the content lies, and one of a session that is past it learns nothing (T1)', async () => {
  const id = await newSession(database, userId, { contentKey: 'k1' });
  expect(await beginAnalysis(em(), { sessionId: id, attempt: 2 })).toMatchObject({
    event: { seq: 2, type: 'analysis_started', data: { attempt: 2 } },
    contentKey: 'k1',
  });
  await recordStep(em(), { sessionId: id, from: ['analyzing'], status: 'cancelled', step: null, type: 'cancelled' });
  expect(await beginAnalysis(em(), { sessionId: id, attempt: 3 })).toBeNull();
});

describe('reviseSession', () => {
  const revision = (id: string, previousContentKey: string) => ({
    id,
    cue: 'better',
    metadata: { a: 1 },
    content: { key: 'k2', hasImpressions: true },
    previousContentKey,
  });

  test('changes what is recorded and numbers the change (A1)', async () => {
    const id = await newSession(database, userId, { contentKey: 'k1' });
    expect(await reviseSession(asUser(), revision(id, 'k1'))).toMatchObject({ event: { seq: 2, type: 'updated' } });
    expect(await findSession(asUser(), id)).toMatchObject({ cue: 'better', metadata: { a: 1 }, contentKey: 'k2' });
  });

  test('leaves what is not named as another change made it meanwhile, and says what the row keeps (A1)', async () => {
    const id = await newSession(database, userId, { contentKey: 'k1' });
    await reviseSession(asUser(), { id, metadata: { a: 1 }, previousContentKey: 'k1' });
    const revised = await reviseSession(asUser(), { id, cue: 'better', previousContentKey: 'k1' });
    expect(revised).toMatchObject({ event: { seq: 3 }, kept: { cue: 'better', metadata: { a: 1 } } });
    expect(await findSession(asUser(), id)).toMatchObject({ cue: 'better', metadata: { a: 1 }, contentKey: 'k1' });
  });

  test('is refused once another change came in between, and once analysis has begun (A1)', async () => {
    const id = await newSession(database, userId, { contentKey: 'k1' });
    expect(await reviseSession(asUser(), revision(id, 'k0'))).toBeNull();
    await analyzing(id);
    expect(await reviseSession(asUser(), revision(id, 'k1'))).toBeNull();
    expect(await findSession(asUser(), id)).toMatchObject({ contentKey: 'k1', lastSeq: 2 });
  });
});

describe('eraseSession', () => {
  test('leaves nothing but a tombstone that keeps the key taken (D1, I5)', async () => {
    const id = await newSession(database, userId);
    await analyzing(id);
    await eraseSession(em(), id);
    await eraseSession(em(), id);
    expect(await findSession(asUser(), id)).toBeNull();
    expect(await readSessionType(em(), id)).toBeNull();
    expect(await readCreatedAt(em(), id)).toMatch(/Z$/);
    expect(await eventsAfter(em(), id, 0)).toEqual([]);
    expect(await findState(asUser(), id)).toEqual({ fingerprint: 'f'.repeat(64), deleted: true });
    expect(await analyzing(id)).toBeNull();
  });

  test('no step writes behind an erasure that runs at the same time (T1)', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => newSession(database, userId)));
    await Promise.all(ids.flatMap((id) => [analyzing(id), eraseSession(em(), id), analyzing(id)]));
    for (const id of ids) expect(await eventsAfter(em(), id, 0)).toEqual([]);
  });
});

test('missedEvents gives each reader what it has not seen, in order (G4)', async () => {
  const [one, two] = [await newSession(database, userId), await newSession(database, userId)];
  await analyzing(one);
  await analyzing(one);
  await analyzing(two);
  const missed = await missedEvents(
    em(),
    new Map([
      [one, 1],
      [two, 2],
    ]),
  );
  expect(missed.map(({ sessionId, event }) => [sessionId, event.seq])).toEqual([
    [one, 2],
    [one, 3],
  ]);
  expect(await missedEvents(em(), new Map())).toEqual([]);
});
