import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { unzipSync, strFromU8 } from 'fflate';
import { createExportAccountActivities } from '../../activities/account/export.ts';
import { closeAccount, requestErasure } from '../../db/accountErasures.ts';
import { contentKeyRows } from '../../db/contentKeys.ts';
import { requestExport } from '../../db/accountExports.ts';
import { findAccount } from '../../db/accounts.ts';
import { ApiError } from '../../domain/errors.ts';
import { tables } from '../../domain/dataClasses.ts';
import type { ArchiveName } from '../../integrations/accountArchives.ts';
import { createContentKeys } from '../../integrations/contentKeys.ts';
import { createLinks } from '../../integrations/links.ts';
import { beginErasures } from '../../operations/erasures.ts';
import { createWorkflowClient } from '../../temporal/client.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { tryForLong } from '../../tests/signInAttempts.ts';
import { until } from '../../tests/until.ts';

let api: TestApi;
// By a secret of its own it counts wrong passwords apart from every other test's, which come from this address too.
const links = createLinks(randomUUID());
beforeAll(async () => {
  api = await startTestApi({ worker: true, deps: { links } });
});
afterAll(() => api.close());

const marker = () => `MARKER-${randomUUID()}`;

async function newSession(user: TestUser, cue: string): Promise<string> {
  const { body } = await api.call('POST', '/v1/sessions', {
    token: user.token,
    body: { sessionType: 'remote_viewing', cue, impressions: { words: [cue] }, autoAnalyze: false },
  });
  return (body.data as { id: string }).id;
}

const stateOf = ({ body }: Answer) => (body.data as { state: string }).state;

/** Every row of every table that belongs to this account. */
async function rowsOf(userId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [table, { owner }] of Object.entries(tables)) {
    if (owner === null) continue;
    const whose = owner === 'session_id' ? 'session_id in (select id from sessions where user_id = ?)' : `${owner} = ?`;
    const [row] = await api.resources.database
      .asService()
      .execute<{ count: number }[]>(`select count(*)::int as count from ${table} where ${whose}`, [userId]);
    if (row !== undefined && row.count > 0) counts[table] = row.count;
  }
  return counts;
}

describe('an export (I5)', () => {
  test('holds everything of the person, no secret, and nothing of anybody else', async () => {
    const [user, stranger] = [await api.newUser(), await api.newUser()];
    const cues = [marker(), marker(), marker()];
    const ids = await Promise.all(cues.map((cue) => newSession(user, cue)));
    const foreign = marker();
    await newSession(stranger, foreign);

    const read = () => api.call('GET', '/v1/me/export', { token: user.token });
    expect((await read()).status).toBe(404);
    const asked = await api.call('POST', '/v1/me/export', { token: user.token });
    expect(asked.status).toBe(202);
    const ready = await until(read, (answer) => stateOf(answer) !== 'running');
    const { url, bytes, progress } = ready.body.data as { url: string; bytes: number; progress: number };
    expect(progress).toBe(1);
    const archive = await fetch(url);
    expect(archive.headers.get('content-disposition')).toMatch(/^attachment; filename="mindpeeker-[\w-]+\.zip"$/);
    const zipped = new Uint8Array(await archive.arrayBuffer());
    expect(zipped.byteLength).toBe(bytes);
    const files = new Map(Object.entries(unzipSync(zipped)).map(([path, content]) => [path, strFromU8(content)]));

    for (const [i, id] of ids.entries()) {
      expect(JSON.parse(files.get(`sessions/${id}/content.json`) ?? '')).toMatchObject({ cue: cues[i] });
      expect(files.get(`sessions/${id}/session_events.json`)).toContain('created');
    }
    expect(files.get('account/users.json')).toContain(user.email);
    const everything = [...files.values()].join('\n');
    expect(everything).not.toContain(foreign);
    expect(everything).not.toContain('argon2');
    expect(everything).not.toContain('token_hash');
  });

  test('of somebody else cannot be seen', async () => {
    const [user, stranger] = [await api.newUser(), await api.newUser()];
    await api.call('POST', '/v1/me/export', { token: user.token });
    expect((await api.call('GET', '/v1/me/export', { token: stranger.token })).status).toBe(404);
  });

  test('asked for twice is made once', async () => {
    const user = await api.newUser();
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => api.call('POST', '/v1/me/export', { token: user.token })),
    );
    const ids = new Set(answers.map(({ body }) => (body.data as { id: string }).id));
    expect(ids.size).toBe(1);
  });
});

describe('an export that is made while (I5)', () => {
  /** Makes the archive; `happens` at the moment when the content of its first session is about to be read. */
  async function exportWhile(user: TestUser, happens: () => Promise<unknown>) {
    const { database, contents, uploads, archives } = api.resources;
    let hasHappened = false;
    async function meanwhile(): Promise<void> {
      if (hasHappened) return;
      hasHappened = true;
      await happens();
    }
    const { buildExport } = createExportAccountActivities({
      database,
      archives,
      contents: {
        ...contents,
        get: async (row) => {
          await meanwhile();
          return contents.get(row);
        },
      },
      uploads,
    });
    const { id: exportId } = await requestExport(database.asUser(user.id), user.id, randomUUID());
    const name = { userId: user.id, exportId };
    await new MockActivityEnvironment().run(buildExport, { ...name, lifetimeMs: 60_000 });
    return name;
  }

  async function filesOf(name: ArchiveName): Promise<Record<string, string>> {
    const archive = await fetch(await api.resources.archives.link(name));
    const files = Object.entries(unzipSync(new Uint8Array(await archive.arrayBuffer())));
    return Object.fromEntries(files.map(([path, content]) => [path, strFromU8(content)]));
  }

  test('its person goes on recording holds what was recorded last', async () => {
    const user = await api.newUser();
    const id = await newSession(user, marker());
    const words = [marker()];
    const name = await exportWhile(user, () =>
      api.call('PATCH', `/v1/sessions/${id}`, { token: user.token, body: { impressions: { words } } }),
    );
    expect(JSON.parse((await filesOf(name))[`sessions/${id}/content.json`] ?? '')).toMatchObject({
      impressions: { words },
    });
  });

  test('its person deletes a session holds the others', async () => {
    const user = await api.newUser();
    const ids = [await newSession(user, marker()), await newSession(user, marker())];
    const [first = '', second = ''] = ids.sort();
    const name = await exportWhile(user, () => api.call('DELETE', `/v1/sessions/${first}`, { token: user.token }));
    const files = await filesOf(name);
    expect(files[`sessions/${first}/content.json`]).toBeUndefined();
    expect(files[`sessions/${second}/content.json`]).toContain('MARKER');
  });

  test('its account is erased leaves no archive behind', async () => {
    const user = await api.newUser();
    const { database, archives, objects } = api.resources;
    const { id: exportId } = await requestExport(database.asUser(user.id), user.id, randomUUID());
    const { buildExport } = createExportAccountActivities({
      ...api.resources,
      archives: {
        ...archives,
        write: async (name, entries) => {
          const asked = await api.call('DELETE', '/v1/me', { token: user.token, body: { password: user.password } });
          await until(
            () => api.call('GET', `/v1/erasures/${(asked.body.data as { id: string }).id}`),
            (answer) => stateOf(answer) === 'erased',
          );
          return archives.write(name, entries);
        },
      },
    });
    await new MockActivityEnvironment().run(buildExport, { userId: user.id, exportId, lifetimeMs: 60_000 });
    expect(await objects.deletePrefix(`exports/${user.id}/`)).toBe(0);
  });
});

describe('erasing an account (I5)', () => {
  test('leaves nothing but what the receipt names, and content that nobody can open', async () => {
    const user = await api.newUser();
    const id = await newSession(user, marker());
    await api.call('POST', '/v1/me/export', { token: user.token });
    await until(
      () => api.call('GET', '/v1/me/export', { token: user.token }),
      (answer) => stateOf(answer) === 'ready',
    );
    const asked = await api.call('DELETE', '/v1/me', { token: user.token, body: { password: user.password } });
    expect(asked.status).toBe(202);
    const { id: receiptId } = asked.body.data as { id: string };
    const receipt = await until(
      () => api.call('GET', `/v1/erasures/${receiptId}`),
      (answer) => stateOf(answer) === 'erased',
    );
    expect(receipt.body.data).toMatchObject({
      erasedRows: { users: 1, content_keys: 1, session_states: 1 },
      kept: expect.arrayContaining([{ table: 'bills', reason: expect.any(String) }]),
    });
    expect(receipt.text).not.toContain(user.id);
    expect(await rowsOf(user.id)).toEqual({});
    const { objects } = api.resources;
    expect(await objects.deletePrefix(`sessions/${id}/`)).toBe(0);
    expect(await objects.deletePrefix(`exports/${user.id}/`)).toBe(0);
    const login = await api.call('POST', '/v1/auth/login', { body: { email: user.email, password: user.password } });
    expect(login.body.error?.code).toBe('invalid_credentials');
  });

  test('begins by letting nobody in, by an API key or a link either', async () => {
    const user = await api.newUser();
    const id = await newSession(user, marker());
    const made = await api.call('POST', '/v1/me/keys', {
      token: user.token,
      body: { name: 'script', permissions: ['session:read'] },
    });
    const shared = await api.call('POST', `/v1/sessions/${id}/shares`, { token: user.token, body: {} });
    const { key } = made.body.data as { key: string };
    const { token } = shared.body.data as { token: string };
    const statuses = async () => [
      (await api.call('GET', `/v1/sessions/${id}`, { headers: { 'X-API-Key': key } })).status,
      (await api.call('GET', `/v1/shared/${token}`)).status,
    ];
    expect(await statuses()).toEqual([200, 200]);
    await closeAccount(api.resources.database.asService(), user.id);
    expect(await statuses()).toEqual([401, 404]);
  });

  test('needs the password, so that a stolen token cannot do it', async () => {
    const user = await api.newUser();
    const answer = await api.call('DELETE', '/v1/me', { token: user.token, body: { password: 'not the password' } });
    expect(answer.body.error?.code).toBe('wrong_password');
    expect((await api.call('GET', '/v1/me', { token: user.token })).status).toBe(200);
  });

  test('is no way to try passwords without end: they count as those of a log-in, and soon a right one is not looked at (G5)', async () => {
    const user = await api.newUser();
    const erase = async (password: string) =>
      (await api.call('DELETE', '/v1/me', { token: user.token, body: { password } })).body.error?.code;
    for (let tried = 0; tried < 5; tried += 1) expect(await erase(`wrong ${tried}`)).toBe('wrong_password');
    await until(
      () => erase('wrong again'),
      (code) => code === 'too_many_attempts',
    );
    await tryForLong(api, user.email);
    expect(await erase(user.password)).toBe('too_many_attempts');
    expect(await rowsOf(user.id)).not.toHaveProperty('account_erasures');
  });

  test('is not begun by a password that was replaced while it was checked', async () => {
    const user = await api.newUser();
    const em = api.resources.database.asService();
    const account = await findAccount(em, { id: user.id });
    if (account === null) throw new Error('The account is gone');
    await api.call('POST', '/v1/me/password', {
      token: user.token,
      body: { currentPassword: user.password, newPassword: randomUUID() },
    });
    expect(await requestErasure(em, account, randomUUID())).toBeNull();
    expect(await rowsOf(user.id)).not.toHaveProperty('account_erasures');
  });

  test('that was asked for while Temporal was gone is answered with its receipt, and begun later (T4)', async () => {
    const user = await api.newUser();
    const connection = Connection.lazy({ address: '127.0.0.1:1' });
    const workflows = createWorkflowClient({ connection, namespace: 'any', waitMs: 500 });
    const other = await startTestApi({ deps: { links, workflows } });
    const asked = await other.call('DELETE', '/v1/me', { token: user.token, body: { password: user.password } });
    await other.close();
    await connection.close();
    expect(asked.status).toBe(202);
    // Nobody comes in from that moment on.
    expect((await api.call('GET', '/v1/me', { token: user.token })).status).toBe(401);
    const { database } = api.resources;
    await database
      .asService()
      .execute(`update account_erasures set requested_at = now() - interval '2 minutes' where user_id = ?`, [user.id]);
    await beginErasures({ database, workflows: api.deps.workflows });
    await until(
      () => api.call('GET', `/v1/erasures/${(asked.body.data as { id: string }).id}`),
      (answer) => stateOf(answer) === 'erased',
    );
    expect(await rowsOf(user.id)).toEqual({});
  });

  test('leaves nothing of a session either whose request was still coming in, nor a key that could open it', async () => {
    const user = await api.newUser();
    const { contents, database, objects, config } = api.resources;
    const sessionId = randomUUID();
    const fingerprint = 'f'.repeat(64);
    const content = { sessionType: 'dowsing' as const, cue: marker() };
    const contentKey = await contents.put({ sessionId, userId: user.id }, fingerprint, content);
    const asked = await api.call('DELETE', '/v1/me', { token: user.token, body: { password: user.password } });
    await until(
      () => api.call('GET', `/v1/erasures/${(asked.body.data as { id: string }).id}`),
      (answer) => stateOf(answer) === 'erased',
    );
    const { sessionType } = content;
    const session = { sessionId, userId: user.id, sessionType, tier: 'basic' as const, fingerprint, contentKey };
    await api.deps.workflows.createSession({ ...session, hasImpressions: false, analyzeAtOnce: false });
    expect(await objects.deletePrefix(`sessions/${sessionId}/`)).toBe(0);
    // A process that does not remember the key makes none.
    const contentKeys = createContentKeys(contentKeyRows(database), config.CONTENT_MASTER_KEYS);
    await expect(contentKeys.of(user.id)).rejects.toThrow(ApiError);
    expect(await rowsOf(user.id)).toEqual({});
    await api.deps.workflows.cancelSession(sessionId);
  });

  test.each([
    ['/v1/me/keys', { name: 'script', permissions: ['session:read'] }],
    ['/v1/webhooks', { url: 'https://example.com/hook', events: ['session.completed'] }],
  ])('is told to whoever was still sending to %s', async (path, body) => {
    const user = await api.newUser();
    const sent = request(`${api.url}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${user.token}`, 'Content-Type': 'application/json' },
    });
    sent.write(JSON.stringify(body).slice(0, -1));
    const asked = await api.call('DELETE', '/v1/me', { token: user.token, body: { password: user.password } });
    await until(
      () => api.call('GET', `/v1/erasures/${(asked.body.data as { id: string }).id}`),
      (answer) => stateOf(answer) === 'erased',
    );
    sent.end('}');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(401);
  });

  test('leaves everybody else’s data alone', async () => {
    const [user, other] = [await api.newUser(), await api.newUser()];
    const id = await newSession(other, 'NNNN-0001');
    const before = await rowsOf(other.id);
    const { body } = await api.call('DELETE', '/v1/me', { token: user.token, body: { password: user.password } });
    await until(
      () => api.call('GET', `/v1/erasures/${(body.data as { id: string }).id}`),
      (answer) => stateOf(answer) === 'erased',
    );
    expect(await rowsOf(other.id)).toEqual(before);
    expect((await api.call('GET', `/v1/sessions/${id}`, { token: other.token })).status).toBe(200);
  });

  test('a receipt that does not exist is not found', async () => {
    expect((await api.call('GET', `/v1/erasures/${randomUUID()}`)).status).toBe(404);
  });
});
