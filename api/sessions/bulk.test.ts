import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import type { BulkItemView } from './schemas.ts';

let api: TestApi;
let user: TestUser;
beforeAll(async () => {
  api = await startTestApi({ worker: true });
  user = await api.newUser();
});
afterAll(() => api.close());

interface Bulk {
  items: BulkItemView[];
  created: number;
  refused: number;
}

const sessionOf = (cue: string) => ({ sessionType: 'dowsing', cue });
const dataOf = (answer: Answer): Bulk => answer.body.data;
const send = (sessions: unknown, headers: Record<string, string> = {}) =>
  api.call('POST', '/v1/sessions/bulk', { token: user.token, body: { sessions }, headers });

describe('creating many sessions at once (A1, S2)', () => {
  test('a hundred are all there, in the order of the list', async () => {
    const cues = Array.from({ length: 100 }, (_, i) => `cue ${i}`);
    const answer = await send(cues.map(sessionOf));
    expect(answer.status).toBe(200);
    expect(dataOf(answer)).toMatchObject({ created: 100, refused: 0 });
    expect(dataOf(answer).items.map(({ session }) => session?.cue)).toEqual(cues);
    const last = dataOf(answer).items.at(-1)?.session;
    const read = await api.call('GET', `/v1/sessions/${last?.id ?? ''}`, { token: user.token });
    expect(read.body.data).toEqual(last);
  });

  test('one that is wrong is told why and does not keep the others back', async () => {
    const answer = await send([sessionOf('one'), { sessionType: 'tarot', cue: '' }, 7, sessionOf('two')]);
    expect(answer.status).toBe(200);
    const { items, created, refused } = dataOf(answer);
    expect(items.map(({ status }) => status)).toEqual([201, 400, 400, 201]);
    expect([created, refused]).toEqual([2, 2]);
    expect(items[1]?.error?.code).toBe('validation_failed');
    expect(items[1]?.error?.details?.map(({ path }) => path)).toContain('sessionType');
    expect(items[2]?.session).toBeUndefined();
  });

  test('the same list under the same key names the same sessions, and a changed place is refused alone', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const first = dataOf(await send([sessionOf('one'), sessionOf('two')], key));
    const again = dataOf(await send([sessionOf('one'), sessionOf('two'), sessionOf('three')], key));
    expect(again.items.slice(0, 2)).toEqual(first.items);
    expect(again.created).toBe(3);
    const changed = dataOf(await send([sessionOf('one'), sessionOf('other')], key));
    expect(changed.items[0]).toEqual(first.items[0]);
    expect(changed.items[1]).toMatchObject({ status: 422, error: { code: 'idempotency_key_reused' } });
  });

  test.each([
    ['an empty list', []],
    ['101 sessions', Array.from({ length: 101 }, () => sessionOf('one'))],
    ['no list', 'one'],
  ])('%s is refused', async (_name, sessions) => {
    const answer = await send(sessions);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.[0]?.path).toBe('sessions');
  });

  test('without object storage every one is answered 503, and the list can be sent again', async () => {
    const without = await startTestApi({ changes: { S3_ENDPOINT: 'http://127.0.0.1:1' } });
    const request = {
      token: user.token,
      headers: { 'Idempotency-Key': randomUUID() },
      body: { sessions: [sessionOf('one'), sessionOf('two')] },
    };
    try {
      const refused = dataOf(await without.call('POST', '/v1/sessions/bulk', request));
      expect(refused.items.map(({ status }) => status)).toEqual([503, 503]);
      expect(refused.items[0]?.error?.retryable).toBe(true);
    } finally {
      await without.close();
    }
    expect(dataOf(await api.call('POST', '/v1/sessions/bulk', request)).created).toBe(2);
  });
});
