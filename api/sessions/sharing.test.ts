import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertShare } from '../../db/sessionShares.ts';
import { recordStep } from '../../db/sessionSteps.ts';
import { createLogger } from '../../observability/logger.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { connectLive, transports } from '../../tests/liveClients.ts';
import { until } from '../../tests/until.ts';

let api: TestApi;
let user: TestUser;
let stranger: TestUser;
const lines: string[] = [];
beforeAll(async () => {
  const destination = { write: (line: string) => void lines.push(line) };
  api = await startTestApi({
    deps: { logger: createLogger({ service: 'api', level: 'info', destination }) },
    worker: true,
  });
  [user, stranger] = await Promise.all([api.newUser(), api.newUser()]);
});
afterAll(() => api.close());

interface Share {
  id: string;
  token: string;
  expiresAt: string;
}

const impressions = { words: ['a tower'] };
async function created(): Promise<string> {
  const body = {
    sessionType: 'remote_viewing',
    cue: 'NNNN-1234',
    metadata: { note: 'mine' },
    impressions,
    autoAnalyze: false,
  };
  const answer = await api.call('POST', '/v1/sessions', { token: user.token, body });
  return (answer.body.data as { id: string }).id;
}
const share = (id: string, body: object = {}, headers: Record<string, string> = {}) =>
  api.call('POST', `/v1/sessions/${id}/shares`, { token: user.token, body, headers });
const shareOf = (answer: Answer): Share => answer.body.data;
const open = (token: string) => api.call('GET', `/v1/shared/${token}`);

describe('a session that is shared', () => {
  test('is read by anybody who has the link, without what is its owner’s alone', async () => {
    const id = await created();
    const made = await share(id);
    expect(made.status).toBe(201);
    const answer = await open(shareOf(made).token);
    expect(answer.status).toBe(200);
    const { session, results } = answer.body.data as { session: object; results: unknown };
    expect(session).toMatchObject({ id, cue: 'NNNN-1234', impressions, status: 'created' });
    expect(Object.keys(session)).not.toEqual(expect.arrayContaining(['userId']));
    expect(answer.text).not.toContain('mine');
    expect(results).toBeNull();
  });

  test('shows its results once they are there', async () => {
    const id = await created();
    const { token } = shareOf(await share(id));
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
    const { results } = (await open(token)).body.data as { results: object[] };
    expect(results).toMatchObject([{ confidenceScore: 0.75, data }]);
  });

  test('is no longer read once the link is taken back, past its time, or the session deleted', async () => {
    const id = await created();
    const [one, two, three] = [shareOf(await share(id)), shareOf(await share(id)), shareOf(await share(id))];
    const never = await open('x'.repeat(43));
    expect(never.status).toBe(404);
    await api.call('DELETE', `/v1/sessions/${id}/shares/${one.id}`, { token: user.token });
    await api.resources.database
      .asService()
      .execute(`update session_shares set expires_at = now() where id = ?`, [two.id]);
    const listed = await api.call('GET', `/v1/sessions/${id}/shares`, { token: user.token });
    expect((listed.body.data as { items: Share[] }).items.map((item) => item.id)).toEqual([three.id]);
    for (const { token } of [one, two]) expect((await open(token)).status).toBe(404);
    expect((await open(three.token)).status).toBe(200);
    await api.call('DELETE', `/v1/sessions/${id}`, { token: user.token });
    const gone = await open(three.token);
    expect(gone.status).toBe(404);
    expect(gone.body.error).toEqual(never.body.error);
  });

  test('gets no link in the moment in which it is deleted, nor by somebody else', async () => {
    const { database } = api.resources;
    const terms = { tokenHash: randomUUID(), createdAt: new Date(), expiresAt: new Date() };
    for (const sessionId of [randomUUID(), await created()]) {
      const stranger = database.asUser(randomUUID());
      expect(await insertShare(stranger, { ...terms, id: randomUUID(), sessionId })).toBe('no_session');
    }
  });

  test('has 100 links at once and no more, also of those asked for together; those past their time do not count', async () => {
    const id = await created();
    const own = api.resources.database.asUser(user.id);
    const terms = () => ({ id: randomUUID(), sessionId: id, tokenHash: randomUUID(), createdAt: new Date() });
    await insertShare(own, { ...terms(), expiresAt: new Date() });
    const expiresAt = new Date(Date.now() + 3_600_000);
    const outcomes = await Promise.all(Array.from({ length: 110 }, () => insertShare(own, { ...terms(), expiresAt })));
    expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(100);
    const refused = await share(id);
    expect(refused.status).toBe(409);
    expect(refused.body.error?.code).toBe('too_many_shares');
    const listed = await api.call('GET', `/v1/sessions/${id}/shares`, { token: user.token });
    const [newest] = (listed.body.data as { items: Share[] }).items;
    await api.call('DELETE', `/v1/sessions/${id}/shares/${String(newest?.id)}`, { token: user.token });
    expect((await share(id)).status).toBe(201);
  });

  test('is no longer followed live by its links once it is deleted', async () => {
    const id = await created();
    const clients = await Promise.all(
      transports.map(async (transport) => {
        const { token } = shareOf(await share(id));
        return connectLive(transport, api.url, { share: token });
      }),
    );
    await api.call('DELETE', `/v1/sessions/${id}`, { token: user.token });
    for (const client of clients) {
      await client.ended;
      expect(client.told.at(-1)).toMatchObject({ type: 'unauthenticated' });
    }
  });

  test('has its token shown once, and kept nowhere in a form that opens it (I5)', async () => {
    const id = await created();
    const { token } = shareOf(await share(id));
    const listed = await api.call('GET', `/v1/sessions/${id}/shares`, { token: user.token });
    expect(listed.text).not.toContain(token);
    const rows = await api.resources.database.asService().execute(`select * from session_shares`);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('leaves neither its token nor its cue in a log line or a metric, only the pattern of the route (I5)', async () => {
    const id = await created();
    const { token } = shareOf(await share(id));
    const { body } = await open(token);
    const client = await connectLive('plain WebSocket', api.url, { share: token });
    await client.ask('subscribe', { sessionId: id });
    client.disconnect();
    const line = await until(() => lines.find((text) => text.includes(body.requestId)));
    expect(line).toContain('/v1/shared/{token}');
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(lines.join('') + metrics).not.toContain(token);
    expect(lines.join('')).not.toContain('NNNN-1234');
  });

  test('gets one link for a request that is sent twice with an Idempotency-Key, and says the second is replayed', async () => {
    const id = await created();
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await share(id, { expiresInSeconds: 60 }, key);
    const second = await share(id, { expiresInSeconds: 60 }, key);
    expect(second.status).toBe(201);
    expect(second.body.data).toEqual(first.body.data);
    expect([first, second].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    const other = await share(id, { expiresInSeconds: 61 }, key);
    expect(other.status).toBe(422);
    const listed = await api.call('GET', `/v1/sessions/${id}/shares`, { token: user.token });
    expect((listed.body.data as { items: Share[] }).items).toHaveLength(1);
  });
});

describe('the links of somebody else’s session', () => {
  test.each([
    ['POST', 'shares'],
    ['GET', 'shares'],
    ['DELETE', `shares/${randomUUID()}`],
  ])('%s …/%s cannot be told from those of one that never was (G5)', async (method, path) => {
    const id = await created();
    const options = { token: stranger.token, ...(method === 'POST' ? { body: {} } : {}) };
    const theirs = await api.call(method, `/v1/sessions/${id}/${path}`, options);
    const absent = await api.call(method, `/v1/sessions/${randomUUID()}/${path}`, options);
    expect(theirs.status).toBe(404);
    expect(theirs.body.error).toEqual(absent.body.error);
  });

  test('are not taken back by an owner of another', async () => {
    const made = shareOf(await share(await created()));
    const other = await created();
    const answer = await api.call('DELETE', `/v1/sessions/${other}/shares/${made.id}`, { token: user.token });
    expect(answer.status).toBe(404);
    expect((await open(made.token)).status).toBe(200);
  });
});
