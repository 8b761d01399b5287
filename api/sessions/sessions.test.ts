import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { findSession, findState } from '../../db/sessions.ts';
import { recordStep } from '../../db/sessionSteps.ts';
import type { SessionStatus } from '../../domain/session.ts';
import { taskQueues } from '../../domain/taskQueues.ts';
import { connectTemporal } from '../../temporal/connection.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { breakHistories } from '../../tests/brokenHistories.ts';
import { exampleOf } from '../../tests/examples.ts';
import { until } from '../../tests/until.ts';
import { newId } from '../identity.ts';
import type { SessionView } from './schemas.ts';

let api: TestApi;
let user: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  api = await startTestApi({ worker: true });
  [user, stranger] = await Promise.all([api.newUser(), api.newUser()]);
});
afterAll(() => api.close());

const words = { words: ['a tower', 'cold water'] };
const recording = { sessionType: 'remote_viewing', cue: 'NNNN-1234', autoAnalyze: false };
const complete = { ...recording, impressions: words };

const sessionOf = (answer: Answer): SessionView => answer.body.data;
const codeOf = (answer: Answer) => answer.body.error?.code;

function create(body: unknown, headers: Record<string, string> = {}, token = user.token): Promise<Answer> {
  return api.call('POST', '/v1/sessions', { token, body, headers });
}

async function created(body: unknown = complete, token = user.token): Promise<string> {
  const answer = await create(body, {}, token);
  expect(answer.status).toBe(201);
  return sessionOf(answer).id;
}

/** Brings a session to a status as its steps would. */
async function bringTo(sessionId: string, status: SessionStatus): Promise<void> {
  const event = await recordStep(api.resources.database.asService(), {
    sessionId,
    from: ['created', 'analyzing', 'notifying', 'billing'],
    status,
    step: 'analyze',
    type: 'analysis_started',
  });
  expect(event).not.toBeNull();
}

describe('creating', () => {
  test('answers 201 with the session when it is stored, and GET reads the same (G1, A1)', async () => {
    const answer = await create({ ...complete, metadata: { place: 'at home' } });
    expect(answer.status).toBe(201);
    expect(sessionOf(answer)).toMatchObject({
      userId: user.id,
      sessionType: 'remote_viewing',
      cue: 'NNNN-1234',
      status: 'created',
      step: 'create',
      metadata: { place: 'at home' },
      impressions: words,
      completedAt: null,
    });
    const read = await api.call('GET', `/v1/sessions/${sessionOf(answer).id}`, { token: user.token });
    expect(read.body.data).toEqual(answer.body.data);
  });

  test('keeps the pictures of a pool with the content, and answers that they are there (I5, M5)', async () => {
    const image = {
      mediaType: 'image/png',
      base64: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP6DwABBQECz6AuzQAAAABJRU5ErkJggg==',
    };
    const words = { id: 'sea', words: ['waves'] };
    const targets = [words, { id: 'hill', image }];
    const kept = { targets: [words, { id: 'hill', hasImage: true }] };
    const answer = await create({ ...complete, metadata: { targets } });
    expect([answer.status, sessionOf(answer).metadata]).toEqual([201, kept]);
    const { id } = sessionOf(answer);
    expect(sessionOf(await api.call('GET', `/v1/sessions/${id}`, { token: user.token })).metadata).toEqual(kept);
    const change = (metadata: object) =>
      api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: { metadata } });
    // What stands for a picture is no picture: sent back, it would lose the one that is there.
    expect(codeOf(await change(kept))).toBe('validation_failed');
    expect(sessionOf(await change({ ...kept, targets })).metadata).toEqual(kept);
    const { contentKey } = (await findSession(api.resources.database.asUser(user.id), id)) ?? { contentKey: '' };
    expect((await api.resources.contents.getStored(contentKey)).metadata).toEqual({ targets });
  });

  test('takes a session without impressions, to be recorded later', async () => {
    const session = sessionOf(await create(recording));
    expect(session).toMatchObject({ status: 'created', metadata: null });
    expect('impressions' in session).toBe(false);
  });

  test.each(['remote_viewing', 'dowsing', 'precognition', 'intuitive_analysis'] as const)(
    'takes the example of %s and gives its impressions back unchanged',
    async (sessionType) => {
      const example = await exampleOf(sessionType);
      const session = sessionOf(await create({ ...example, autoAnalyze: false }));
      expect(session.impressions).toEqual(example.impressions);
    },
  );
});

describe('an Idempotency-Key', () => {
  test('names one session: 20 equal requests at once get 20 equal answers (T1)', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(complete, key)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    const sessions = answers.map(sessionOf);
    const [first] = sessions;
    for (const session of sessions) expect(session).toEqual(first);
    const events = await api.call('GET', `/v1/sessions/${first?.id ?? ''}/events`, { token: user.token });
    expect((events.body.data as { events: unknown[] }).events).toHaveLength(1);
  });

  test('with the same body in another order of fields answers the same session', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await create({ ...complete, metadata: { a: 1, b: { c: 2, d: 3 } } }, key);
    const second = await create({ metadata: { b: { d: 3, c: 2 }, a: 1 }, ...complete }, key);
    expect(second.status).toBe(201);
    expect(sessionOf(second)).toEqual(sessionOf(first));
  });

  test('with another body is refused by 422, and the first session stays as it was', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await create(complete, key);
    const second = await create({ ...complete, cue: 'another' }, key);
    expect(second.status).toBe(422);
    expect(codeOf(second)).toBe('idempotency_key_reused');
    const read = await api.call('GET', `/v1/sessions/${sessionOf(first).id}`, { token: user.token });
    expect(read.body.data).toEqual(first.body.data);
  });

  test('of two different requests at once one wins, and the other is refused', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) => create({ ...complete, cue: `cue ${i % 2}` }, key)),
    );
    const cues = new Set(answers.filter(({ status }) => status === 201).map((answer) => sessionOf(answer).cue));
    expect(cues.size).toBe(1);
    expect(answers.map((answer) => codeOf(answer) ?? 'created').sort()).toEqual([
      ...['created', 'created', 'created'],
      ...['idempotency_key_reused', 'idempotency_key_reused', 'idempotency_key_reused'],
    ]);
    const [winner] = answers.filter(({ status }) => status === 201).map(sessionOf);
    const read = await api.call('GET', `/v1/sessions/${winner?.id ?? ''}`, { token: user.token });
    expect(read.body.data).toEqual(winner);
  });

  test('is each user’s own', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const mine = sessionOf(await create(complete, key));
    const theirs = sessionOf(await create(complete, key, stranger.token));
    expect(theirs.id).not.toBe(mine.id);
  });

  test('of a deleted session answers 410, and the session does not come back', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const { id } = sessionOf(await create(complete, key));
    await api.call('DELETE', `/v1/sessions/${id}`, { token: user.token });
    const again = await create(complete, key);
    expect(again.status).toBe(410);
    expect(codeOf(again)).toBe('session_deleted');
    expect(await api.resources.objects.deletePrefix(`sessions/${id}/`)).toBe(0);
  });

  test.each([
    ['empty', ''],
    ['longer than 255 characters', 'x'.repeat(256)],
    ['not printable', 'tab\there'],
  ])('that is %s is refused', async (_name, key) => {
    const answer = await create(complete, { 'Idempotency-Key': key });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.[0]?.path).toBe('idempotency-key');
  });
});

describe('listing', () => {
  test('pages through every session once, newest first, and filters (A1)', async () => {
    const lister = await api.newUser();
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      ids.unshift(await created(i === 0 ? { ...recording, sessionType: 'dowsing' } : recording, lister.token));
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Answer = await api.call('GET', `/v1/sessions?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`, {
        token: lister.token,
      });
      const { items, nextCursor } = page.body.data as { items: SessionView[]; nextCursor: string | null };
      seen.push(...items.map(({ id }) => id));
      cursor = nextCursor;
    }
    expect(seen).toEqual(ids);
    const filtered = await api.call('GET', '/v1/sessions?sessionType=dowsing&status=created', { token: lister.token });
    expect((filtered.body.data as { items: SessionView[] }).items.map(({ id }) => id)).toEqual(ids.slice(-1));
    const either = await api.call('GET', '/v1/sessions?status=created&status=failed&sessionType=dowsing', {
      token: lister.token,
    });
    expect(either.body.data).toEqual(filtered.body.data);
    const none = await api.call('GET', '/v1/sessions?status=completed', { token: lister.token });
    expect(none.body.data).toEqual({ items: [], nextCursor: null });
  });

  test('is searched, narrowed by time and turned around', async () => {
    const lister = await api.newUser();
    const well = await created({ ...recording, cue: 'Where is the old well?' }, lister.token);
    const pipe = await created({ ...recording, cue: 'Where is the old pipe?' }, lister.token);
    const list = async (query: string) => {
      const { body } = await api.call('GET', `/v1/sessions?${query}`, { token: lister.token });
      return (body.data as { items: SessionView[] }).items.map(({ id }) => id);
    };
    expect(await list('q=old&sort=createdAt')).toEqual([well, pipe]);
    expect(await list('q=old%20-pipe')).toEqual([well]);
    expect(await list('createdFrom=2026-01-01T00:00:00Z&sort=-completedAt')).toHaveLength(2);
    expect(await list('createdTo=2026-01-01T00:00:00%2B02:00')).toEqual([]);
  });

  test('a cursor leads on in its own list alone', async () => {
    const lister = await api.newUser();
    await created(recording, lister.token);
    await created(recording, lister.token);
    const first = await api.call('GET', '/v1/sessions?limit=1&status=created', { token: lister.token });
    const { nextCursor } = first.body.data as { nextCursor: string };
    const on = (query: string) =>
      api.call('GET', `/v1/sessions?cursor=${nextCursor}&${query}`, { token: lister.token });
    expect((await on('status=created')).status).toBe(200);
    for (const query of ['', 'status=failed', 'status=created&sort=createdAt', 'status=created&q=x']) {
      const answer = await on(query);
      expect(answer.status).toBe(400);
      expect(answer.body.error?.details?.[0]?.path).toBe('cursor');
    }
  });

  const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['a cursor that is none', 'cursor=nonsense'],
    ['a cursor with a day that is none', `cursor=${forged(['2026-02-30 00:00:00+00', randomUUID()])}`],
    ['a cursor with SQL in it', `cursor=${forged(['2026-02-03 00:00:00+00', "' or true"])}`],
    ['a moment that is none', 'createdFrom=2026-02-30T00:00:00Z'],
    ['a moment before the year 1', 'createdFrom=0000-01-01T00:00:00Z'],
    ['a moment beyond the year 9999', 'createdTo=9999-12-31T23:59:59-23:59'],
    ['a search for NUL', 'q=a%00b'],
    ['an order that is none', 'sort=cue'],
    ['a limit of 0', 'limit=0'],
    ['a limit of 101', 'limit=101'],
    ['a limit in words', 'limit=ten'],
    ['a status that is none', 'status=dreaming'],
    ['a type that is none', 'sessionType=tarot'],
    ['a parameter that is none', 'stauts=created'],
  ])('refuses %s', async (_name, query) => {
    const answer = await api.call('GET', `/v1/sessions?${query}`, { token: user.token });
    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe('validation_failed');
  });
});

describe('changing', () => {
  test('replaces what is named, keeps the rest, and says so in a numbered event (A1)', async () => {
    const id = await created({ ...recording, metadata: { kept: true } });
    const answer = await api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: { impressions: words } });
    expect(answer.status).toBe(200);
    expect(sessionOf(answer)).toMatchObject({ cue: 'NNNN-1234', metadata: { kept: true }, impressions: words });
    const recued = await api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: { cue: 'new cue' } });
    expect(sessionOf(recued)).toMatchObject({ cue: 'new cue', impressions: words });
    const read = await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
    expect(read.body.data).toEqual(recued.body.data);
    const events = await api.call('GET', `/v1/sessions/${id}/events?after=1`, { token: user.token });
    expect((events.body.data as { events: { seq: number; type: string }[] }).events).toMatchObject([
      { seq: 2, type: 'updated' },
      { seq: 3, type: 'updated' },
    ]);
  });

  test('of cue and metadata alone writes no object, and whoever reads the content reads it as it is now (D3)', async () => {
    const id = await created({ ...complete, metadata: { kept: false } });
    const row = async () => {
      const found = await findSession(api.resources.database.asUser(user.id), id);
      if (found === null) throw new Error('The session is gone');
      return found;
    };
    const { contentKey } = await row();
    const change = { cue: 'new cue', metadata: { training_consent: true } };
    expect((await api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: change })).status).toBe(200);
    expect((await row()).contentKey).toBe(contentKey);
    const content = { sessionType: 'remote_viewing', ...change, impressions: words };
    expect(await api.resources.contents.get(await row())).toEqual(content);
    expect(await api.resources.objects.deletePrefix(`sessions/${id}/content/`)).toBe(1);
  });

  test('changes made at once all take effect, and one version of the content is left', async () => {
    const id = await created();
    const answers = await Promise.all([
      api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: { cue: 'one' } }),
      api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: { metadata: { two: 2 } } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const read = await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
    expect(sessionOf(read)).toMatchObject({ cue: 'one', metadata: { two: 2 }, impressions: words });
    expect(await api.resources.objects.deletePrefix(`sessions/${id}/content/`)).toBe(1);
  });

  test.each([
    ['nothing', {}, 'body'],
    ['impressions of another type', { impressions: { dimensions: ['a'], rows: [[1], [2], [3]] } }, 'impressions'],
    ['another user', { userId: randomUUID() }, 'body'],
    ['its status', { status: 'completed' }, 'body'],
    ['an empty cue', { cue: '  ' }, 'cue'],
  ])('to %s is refused, and the session stays as it was', async (_name, change, path) => {
    const id = await created();
    const answer = await api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: change });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.map((detail) => detail.path)).toContain(path);
    const read = await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
    expect(sessionOf(read)).toMatchObject({ cue: 'NNNN-1234', impressions: words, status: 'created' });
  });

  test('is refused once analysis has begun, and leaves no object behind', async () => {
    const id = await created();
    await bringTo(id, 'analyzing');
    const answer = await api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: { cue: 'too late' } });
    expect(answer.status).toBe(409);
    expect(codeOf(answer)).toBe('analysis_begun');
    expect(await api.resources.objects.deletePrefix(`sessions/${id}/content/`)).toBe(1);
  });
});

describe('an entity tag', () => {
  const tagOf = (answer: Answer) => answer.headers.get('etag') ?? '';

  test('is answered with a session, and spares its body while nothing of it changed (A1)', async () => {
    const made = await create(complete);
    const path = `/v1/sessions/${sessionOf(made).id}`;
    expect(made.headers.get('location')).toBe(path);
    const read = await api.call('GET', path, { token: user.token });
    expect(tagOf(read)).toBe(tagOf(made));
    for (const part of ['', '/events']) {
      const again = await api.call('GET', `${path}${part}`, {
        token: user.token,
        headers: { 'If-None-Match': tagOf(read) },
      });
      expect(again.status).toBe(304);
      expect(again.text).toBe('');
    }
    const head = { token: user.token, headers: { 'If-None-Match': tagOf(read) } };
    expect((await api.call('HEAD', path, head)).status).toBe(304);
    const changed = await api.call('PATCH', path, { token: user.token, body: { cue: 'another' } });
    expect(tagOf(changed)).not.toBe(tagOf(read));
    const fresh = await api.call('GET', path, { token: user.token, headers: { 'If-None-Match': tagOf(read) } });
    expect(fresh.status).toBe(200);
    expect(sessionOf(fresh).cue).toBe('another');
    expect(tagOf(fresh)).toBe(tagOf(changed));
  });

  test('as If-Match lets one of several changes through that were made from the same reading', async () => {
    const made = await create(complete);
    const path = `/v1/sessions/${sessionOf(made).id}`;
    const change = (cue: string, ifMatch: string) =>
      api.call('PATCH', path, { token: user.token, body: { cue }, headers: { 'If-Match': ifMatch } });
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((cue) => change(cue, tagOf(made))));
    const passed = answers.filter(({ status }) => status === 200);
    expect(passed).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(answer.status).toBe(412);
      expect(codeOf(answer)).toBe('changed_meanwhile');
    }
    const read = await api.call('GET', path, { token: user.token });
    expect(sessionOf(read).cue).toBe(passed[0] && sessionOf(passed[0]).cue);
    expect((await change('e', '*')).status).toBe(200);
    expect((await change('f', `"x", ${tagOf(await api.call('GET', path, { token: user.token }))}`)).status).toBe(200);
    expect((await change('g', 'nonsense')).status).toBe(412);
  });

  test('does not stand before what could not be changed anyway', async () => {
    const id = await created();
    await bringTo(id, 'analyzing');
    const answer = await api.call('PATCH', `/v1/sessions/${id}`, {
      token: user.token,
      body: { cue: 'too late' },
      headers: { 'If-Match': '"1"' },
    });
    expect(codeOf(answer)).toBe('analysis_begun');
  });
});

describe('asking for analysis', () => {
  test('is refused without impressions', async () => {
    const id = await created(recording);
    const answer = await api.call('POST', `/v1/sessions/${id}/analysis`, { token: user.token });
    expect(answer.status).toBe(409);
    expect(codeOf(answer)).toBe('impressions_missing');
  });

  test('answers 202, and 202 again while it is under way; later it has begun (A2)', async () => {
    const id = await created();
    const first = await api.call('POST', `/v1/sessions/${id}/analysis`, { token: user.token });
    expect(first.status).toBe(202);
    await bringTo(id, 'analyzing');
    expect((await api.call('POST', `/v1/sessions/${id}/analysis`, { token: user.token })).status).toBe(202);
    await bringTo(id, 'notifying');
    const later = await api.call('POST', `/v1/sessions/${id}/analysis`, { token: user.token });
    expect(codeOf(later)).toBe('analysis_begun');
  });
});

describe('cancelling and retrying', () => {
  test('a session that is cancelled ends, and then cannot be cancelled again', async () => {
    const id = await created(recording);
    expect((await api.call('POST', `/v1/sessions/${id}/cancel`, { token: user.token })).status).toBe(202);
    await until(async () => {
      const { body } = await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
      return (body.data as SessionView).status === 'cancelled';
    });
    for (const action of ['cancel', 'analysis']) {
      const answer = await api.call('POST', `/v1/sessions/${id}/${action}`, { token: user.token });
      expect(answer.status).toBe(409);
      expect(codeOf(answer)).toBe('session_ended');
    }
    const results = await api.call('GET', `/v1/sessions/${id}/results`, { token: user.token });
    expect(results.body.data).toEqual({ results: [] });
  });

  test('a session that is not stuck cannot be retried', async () => {
    const answer = await api.call('POST', `/v1/sessions/${await created()}/retry`, { token: user.token });
    expect(answer.status).toBe(409);
    expect(codeOf(answer)).toBe('not_stuck');
  });

  test('a stuck session says why, and can be retried', async () => {
    const id = await created();
    const stuck = { step: 'analyze', code: 'retries_exhausted', message: 'Every attempt failed.' } as const;
    await recordStep(api.resources.database.asService(), {
      sessionId: id,
      from: ['created'],
      status: 'analyzing',
      step: 'analyze',
      type: 'stuck',
      stuck: { ...stuck, since: new Date().toISOString() },
    });
    const read = await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
    expect(sessionOf(read).stuck).toMatchObject(stuck);
    expect((await api.call('POST', `/v1/sessions/${id}/retry`, { token: user.token })).status).toBe(202);
  });
});

describe('a session whose workflow would do nothing of what it is asked (T5)', () => {
  /** What can become of a workflow whose session is open. */
  const losses = {
    'was terminated': (id: string) =>
      withTemporal(async (client) => {
        await client.workflow.getHandle(`session-${id}`).terminate();
      }),
    'is not there': (id: string) =>
      withTemporal(async ({ workflowService }) => {
        const { TEMPORAL_NAMESPACE: namespace } = api.resources.config;
        const workflowExecution = { workflowId: `session-${id}` };
        await workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
        await until(async () => (await api.deps.workflows.describeSession(id)) === null);
      }),
    'cannot go on from its history': (id: string) =>
      breakHistories({ resources: api.resources, workflows: api.deps.workflows }, [id]),
  };
  const press = (id: string, action: string) => api.call('POST', `/v1/sessions/${id}/${action}`, { token: user.token });
  const read = async (id: string) => sessionOf(await api.call('GET', `/v1/sessions/${id}`, { token: user.token }));

  describe.each(Object.entries(losses))('since it %s', (_name, lose) => {
    test('is cancelled by its owner', async () => {
      const id = await created(recording);
      await lose(id);
      expect((await press(id, 'cancel')).status).toBe(202);
      await until(async () => (await read(id)).status === 'cancelled');
      await until(async () => codeOf(await press(id, 'cancel')) === 'session_ended');
      expect(codeOf(await press(id, 'retry'))).toBe('session_ended');
    });

    test('is taken on by its owner’s retry, whether it is stuck or not', async () => {
      const [parked, busy] = [await created(), await created()];
      const facts = { from: ['created'], status: 'analyzing', step: 'analyze' } as const;
      const stuck = {
        step: 'analyze',
        code: 'retries_exhausted',
        message: 'x',
        since: new Date().toISOString(),
      } as const;
      await recordStep(api.resources.database.asService(), { sessionId: parked, ...facts, type: 'stuck', stuck });
      await recordStep(api.resources.database.asService(), { sessionId: busy, ...facts, type: 'analysis_started' });
      for (const id of [parked, busy]) {
        await lose(id);
        expect((await press(id, 'retry')).status).toBe(202);
        await untilAtWork(id);
        await until(async () => (await read(id)).stuck === undefined);
      }
    });

    test('is analyzed when its owner asks for it', async () => {
      const id = await created();
      await lose(id);
      expect((await press(id, 'analysis')).status).toBe(202);
      await untilAtWork(id);
    });
  });

  /** No GPU worker runs here, so its analysis waits for one. */
  const untilAtWork = (id: string) =>
    until(async () => {
      const run = await api.deps.workflows.describeSession(id);
      return run?.activities.some(({ step, queue }) => step === 'analyze' && queue === taskQueues.gpu) === true;
    });

  async function withTemporal(work: (client: Client) => Promise<void>): Promise<void> {
    const { config } = api.resources;
    const connection = await connectTemporal(config);
    await work(new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }));
    await connection.close();
  }
});

describe('results and events', () => {
  test('results are not ready before the analysis is done, then read the same from the cache and without it', async () => {
    const id = await created();
    const early = await api.call('GET', `/v1/sessions/${id}/results`, { token: user.token });
    expect(early.status).toBe(409);
    expect(codeOf(early)).toBe('results_not_ready');
    const data = {
      model: { name: 'remote_viewing', version: '1', backend: 'js' },
      chance: { value: 0.5, meaning: 'chance' },
      summary: 'A tower.',
      limits: 'Simulated.',
      descriptors: [{ name: 'structure', kind: 'gestalt' as const, probability: 0.75 }],
    };
    await recordStep(api.resources.database.asService(), {
      sessionId: id,
      from: ['created'],
      status: 'notifying',
      step: 'analyze',
      type: 'analysis_completed',
      results: [{ id: randomUUID(), resultType: 'remote_viewing.descriptors', confidenceScore: 0.75, data }],
    });
    const first = await api.call('GET', `/v1/sessions/${id}/results`, { token: user.token });
    expect(first.status).toBe(200);
    expect((first.body.data as { results: unknown[] }).results).toMatchObject([{ confidenceScore: 0.75, data }]);
    const cached = await api.call('GET', `/v1/sessions/${id}/results`, { token: user.token });
    await api.resources.cache.forget(id);
    const fresh = await api.call('GET', `/v1/sessions/${id}/results`, { token: user.token });
    expect(cached.body.data).toEqual(first.body.data);
    expect(fresh.body.data).toEqual(first.body.data);
  });

  test('a session that has ended reads from the cache alone, the same, for its owner alone, and not once it is deleted (D2, I5)', async () => {
    const id = await created();
    const read = (token = user.token) => api.call('GET', `/v1/sessions/${id}`, { token });
    await read();
    await bringTo(id, 'completed');
    const first = await read();
    const results = (token = user.token) => api.call('GET', `/v1/sessions/${id}/results`, { token });
    expect((await results()).body.data).toEqual({ results: [] });
    expect(sessionOf(first)).toMatchObject({ status: 'completed', impressions: words });
    expect((await api.resources.cache.getSession(id))?.toString()).toContain('"completed"');
    // What only PostgreSQL could tell: were it asked, the cue would be another.
    await api.resources.database.asService().execute(`update sessions set cue = 'not asked' where id = ?`, [id]);
    const cached = await read();
    expect(cached.body.data).toEqual(first.body.data);
    expect(cached.headers.get('etag')).toBe(first.headers.get('etag'));
    expect((await read(stranger.token)).status).toBe(404);
    expect((await results(stranger.token)).status).toBe(404);
    await api.resources.database.asService().execute(`update sessions set status = 'created' where id = ?`, [id]);
    expect((await results()).status).toBe(200);
    await api.call('DELETE', `/v1/sessions/${id}`, { token: user.token });
    expect([(await read()).status, (await results()).status]).toEqual([404, 404]);
  });

  test('events after the last one are none', async () => {
    const answer = await api.call('GET', `/v1/sessions/${await created()}/events?after=1`, { token: user.token });
    expect(answer.body.data).toEqual({ events: [] });
  });
});

describe('deleting', () => {
  test('removes the session, its content and its cache; its tombstone stays (A1, D3)', async () => {
    const key = randomUUID();
    const { id } = sessionOf(await create(complete, { 'Idempotency-Key': key }));
    expect(id).toBe(newId('session', user.id, key));
    expect((await api.call('DELETE', `/v1/sessions/${id}`, { token: user.token })).status).toBe(200);
    expect((await api.call('GET', `/v1/sessions/${id}`, { token: user.token })).status).toBe(404);
    expect(await api.resources.objects.deletePrefix(`sessions/${id}/`)).toBe(0);
    expect(await api.resources.cache.getSession(id)).toBeUndefined();
    expect(await findState(api.resources.database.asUser(user.id), id)).toMatchObject({ deleted: true });
    expect((await api.call('DELETE', `/v1/sessions/${id}`, { token: user.token })).status).toBe(404);
  });
});

describe('somebody else’s session', () => {
  const routes = [
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/analysis'],
    ['POST', '/cancel'],
    ['POST', '/retry'],
    ['GET', '/results'],
    ['GET', '/events'],
  ] as const;

  test.each(routes)('%s …%s cannot be told from one that never was (G5)', async (method, path) => {
    const id = await created();
    const never = randomUUID();
    const options = { token: stranger.token, ...(method === 'PATCH' ? { body: { cue: 'mine' } } : {}) };
    const theirs = await api.call(method, `/v1/sessions/${id}${path}`, options);
    const absent = await api.call(method, `/v1/sessions/${never}${path}`, options);
    expect(theirs.status).toBe(404);
    expect(withoutNames(theirs)).toBe(withoutNames(absent));
    const read = await api.call('GET', `/v1/sessions/${id}`, { token: user.token });
    expect(sessionOf(read)).toMatchObject({ status: 'created', cue: 'NNNN-1234' });
  });

  test.each(routes)('%s …%s refuses an id that is no UUID', async (method, path) => {
    const answer = await api.call(method, `/v1/sessions/42${path}`, {
      token: user.token,
      ...(method === 'PATCH' ? { body: { cue: 'x' } } : {}),
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.map((detail) => detail.path)).toContain('id');
  });

  test('is not in the list', async () => {
    const id = await created();
    const { body } = await api.call('GET', '/v1/sessions?limit=100', { token: stranger.token });
    expect((body.data as { items: SessionView[] }).items.map((item) => item.id)).not.toContain(id);
  });
});

/** An answer without what differs between any two. */
function withoutNames({ text, body, headers }: Answer): string {
  const varying = ['date', 'x-request-id', 'connection', 'keep-alive', 'ratelimit'];
  const kept = [...headers].filter(([name]) => !varying.includes(name));
  return JSON.stringify(kept) + text.replace(body.requestId, '').replace(body.timestamp, '');
}
