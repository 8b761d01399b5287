import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { standApart } from '../../tests/apart.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { exampleOf } from '../../tests/examples.ts';
import { until } from '../../tests/until.ts';

/*
 * No GPU worker runs here, so a session that is to be analyzed waits for one.
 */

let api: TestApi;
let user: TestUser;
let operator: TestUser;
beforeAll(async () => {
  api = await startTestApi({ changes: await standApart(), worker: true });
  operator = await api.newUser('operator');
});
beforeEach(async () => {
  user = await api.newUser();
});
afterAll(() => api.close());

const sessions = '/v1/admin/sessions';
const read = (path: string, token = operator.token): Promise<Answer> => api.call('GET', path, { token });
const page = async (query: string): Promise<{ items: { id: string; status: string }[]; nextCursor: string | null }> =>
  (await read(`${sessions}?${query}`)).body.data;

async function newSession(marker: string): Promise<string> {
  const body = { ...(await exampleOf('dowsing')), cue: marker, metadata: { note: marker } };
  const answer = await api.call('POST', '/v1/sessions', { token: user.token, body });
  return (answer.body.data as { id: string }).id;
}

describe('sessions as operators see them (T5)', () => {
  test('are found by how they stand, page by page, without a word of what they say (I5)', async () => {
    const ids = [await newSession('MARKER-1'), await newSession('MARKER-2'), await newSession('MARKER-3')];
    const first = await page(`userId=${user.id}&limit=2`);
    const second = await page(`userId=${user.id}&limit=2&cursor=${first.nextCursor ?? ''}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids.toReversed());
    expect(second.nextCursor).toBeNull();
    expect((await page(`userId=${user.id}&stuck=true`)).items).toEqual([]);
    expect((await page(`userId=${user.id}&type=precognition`)).items).toEqual([]);
    expect((await page(`userId=${user.id}&type=dowsing&tier=basic&stuck=false`)).items).toHaveLength(3);
    expect((await read(`${sessions}?userId=${user.id}`)).text).not.toContain('MARKER');
  });

  test('are explained: what they wait for, and what is safe to press', async () => {
    const id = await newSession('MARKER-4');
    // Its analysis is asked for once it is created, which is when its owner is answered.
    const answer = await until(
      () => read(`${sessions}/${id}`),
      ({ text }) => text.includes('"waiting"'),
    );
    expect(answer.body.data).toMatchObject({
      session: { id, userId: user.id, stuck: null },
      run: { status: 'RUNNING', activities: [{ step: 'analyze', queue: 'mindpeeker-gpu', state: 'waiting' }] },
      suggestion: { action: 'wait' },
      events: [{ seq: 1, type: 'created' }],
    });
    expect(answer.text).not.toContain('MARKER');
  });

  test('are nobody else’s business, and one that never was is not there', async () => {
    expect((await read(sessions, user.token)).status).toBe(403);
    expect((await read(`${sessions}/${randomUUID()}`, user.token)).status).toBe(403);
    expect((await read(`${sessions}/${randomUUID()}`)).status).toBe(404);
    expect((await read(`${sessions}?cursor=none`)).status).toBe(400);
    expect((await read(`${sessions}?reason=tired`)).status).toBe(400);
  });
});
