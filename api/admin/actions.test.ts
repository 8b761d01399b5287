import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordStep } from '../../db/sessionSteps.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { newSession, newUser } from '../../tests/database.ts';

/*
 * What operators press over the gateway (T5). What each press does to a session is tested where it is done
 * (tests/operatorActions.test.ts, tests/bulkActions.test.ts); no worker runs here.
 */

let api: TestApi;
let operator: TestUser;

beforeAll(async () => {
  api = await startTestApi();
  operator = await api.newUser('operator');
});
afterAll(() => api.close());

const reason = 'a test asks for it';
const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  api.call('POST', `/v1/admin/${path}`, { token: operator.token, headers, ...(body === undefined ? {} : { body }) });
const get = (path: string) => api.call('GET', `/v1/admin/${path}`, { token: operator.token });
const codeOf = ({ body }: Answer) => body.error?.code;

/** A session of somebody that waits for its mail and has no workflow. */
async function orphan(given: { userId?: string; cue?: string } = {}): Promise<string> {
  const { database } = api.resources;
  const userId = given.userId ?? (await newUser(database)).id;
  const sessionId = await newSession(database, userId, { cue: given.cue ?? 'MARKER-CUE' });
  await recordStep(database.asService(), {
    sessionId,
    from: ['created'],
    status: 'notifying',
    step: 'analyze',
    type: 'analysis_completed',
  });
  return sessionId;
}

interface Entry {
  action: string;
  outcome: string;
  sessionId: string;
  byUser: string;
  reason: string;
}
const auditOf = async (sessionId: string) =>
  ((await get(`audit?sessionId=${sessionId}`)).body.data as { items: Entry[] }).items;

describe('pressing something for one session', () => {
  test('is done for an operator, and stands in the audit with who and why', async () => {
    const id = await orphan();
    const answer = await post(`sessions/${id}/skip`, { reason });
    expect([answer.status, answer.body.data]).toEqual([
      202,
      { sessionId: id, action: 'skip', means: 'restart', status: 'notifying', step: 'notify' },
    ]);
    expect(await auditOf(id)).toMatchObject([
      { action: 'skip', outcome: 'done', sessionId: id, byUser: operator.id, reason },
    ]);
    expect(answer.text + (await get(`audit?sessionId=${id}`)).text).not.toContain('MARKER');
  });

  test('what cannot be done is refused by its code, and the audit says so', async () => {
    const id = await orphan();
    for (const [path, body, code] of [
      [`sessions/${id}/pause`, { reason }, 'nothing_to_pause'],
      [`sessions/${id}/resume`, { reason }, 'not_paused'],
      [`sessions/${id}/reset`, { reason, step: 'bill' }, 'step_not_reached'],
      [`sessions/${randomUUID()}/retry`, { reason }, 'not_found'],
    ] as const) {
      expect([path, codeOf(await post(path, body))]).toEqual([path, code]);
    }
    const entries = await auditOf(id);
    expect(entries.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['reset', 'refused'],
      ['resume', 'refused'],
      ['pause', 'refused'],
    ]);
  });

  test('needs a reason', async () => {
    const id = await orphan();
    for (const action of ['retry', 'pause', 'resume', 'skip', 'reset', 'cancel']) {
      expect(codeOf(await post(`sessions/${id}/${action}`, { reason: '' }))).toBe('validation_failed');
      expect(codeOf(await post(`sessions/${id}/${action}`, {}))).toBe('validation_failed');
    }
    expect(await auditOf(id)).toEqual([]);
  });

  test('again under the same Idempotency-Key is answered the same and done once', async () => {
    const id = await orphan();
    const headers = { 'Idempotency-Key': randomUUID() };
    const first = await post(`sessions/${id}/reset`, { reason, step: 'analyze' }, headers);
    const again = await post(`sessions/${id}/reset`, { reason, step: 'analyze' }, headers);
    expect([first.status, again.status, again.body.data]).toEqual([202, 202, first.body.data]);
    expect(await auditOf(id)).toHaveLength(1);
  });

  test('is nothing for the owner of the session', async () => {
    const owner = await api.newUser();
    const id = await orphan({ userId: owner.id });
    const answer = await api.call('POST', `/v1/admin/sessions/${id}/cancel`, { token: owner.token, body: { reason } });
    expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
  });
});

describe('an action in bulk', () => {
  const act = { action: 'skip' };

  test('tried dry says how many and which; held to fewer it does nothing; then it is under way until it is stopped', async () => {
    const { id: userId } = await newUser(api.resources.database);
    const ids = [await orphan({ userId }), await orphan({ userId })];
    const filters = { userId, statuses: ['notifying'] };
    const dry = await post('bulk-actions', { act, filters, reason, dryRun: true });
    expect(dry.body.data).toMatchObject({ count: 2, action: null });
    expect((dry.body.data as { sessions: { id: string }[] }).sessions.map(({ id }) => id).sort()).toEqual(ids.sort());
    expect(dry.text).not.toContain('MARKER');

    expect(codeOf(await post('bulk-actions', { act, filters, reason, atMost: 1 }))).toBe('more_than_expected');

    const begun = await post('bulk-actions', { act, filters, reason, atMost: 2 });
    const { action } = begun.body.data as { action: { id: string } };
    expect([begun.status, begun.body.data]).toEqual([
      202,
      expect.objectContaining({
        count: 2,
        action: expect.objectContaining({ state: 'running', sessions: 2, done: 0, byUser: operator.id, reason }),
      }),
    ]);
    expect((await get(`bulk-actions/${action.id}`)).body.data).toMatchObject({ id: action.id, state: 'running' });
    const listed = (await get('bulk-actions')).body.data as { items: { id: string }[] };
    expect(listed.items.map(({ id }) => id)).toContain(action.id);

    for (let press = 0; press < 2; press += 1) {
      expect((await post(`bulk-actions/${action.id}/stop`)).body.data).toMatchObject({ state: 'stopped', done: 0 });
    }
    expect(codeOf(await post(`bulk-actions/${randomUUID()}/stop`))).toBe('not_found');
    expect(codeOf(await get(`bulk-actions/${randomUUID()}`))).toBe('not_found');
  });

  test('has to say which sessions', async () => {
    expect(codeOf(await post('bulk-actions', { act, filters: {}, reason, dryRun: true }))).toBe('validation_failed');
  });
});

describe('the audit', () => {
  test('is read page by page, newest first, and none is shown twice', async () => {
    const id = await orphan();
    for (let i = 0; i < 5; i += 1) await post(`sessions/${id}/resume`, { reason: `${i}` });
    const reasons: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Answer = await get(`audit?sessionId=${id}&limit=2${cursor && `&cursor=${cursor}`}`);
      const { items, nextCursor } = page.body.data as { items: Entry[]; nextCursor: string | null };
      reasons.push(...items.map((entry) => entry.reason));
      cursor = nextCursor;
    }
    expect(reasons).toEqual(['4', '3', '2', '1', '0']);
  });
});
