import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiKey } from '../../db/apiKeys.ts';
import { grantRole } from '../../db/roles.ts';
import { tierTerms, type KeyPermission } from '../../domain/tiers.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { createStandings } from '../auth/standing.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

interface Made {
  id: string;
  key: string;
  prefix: string;
}

const em = () => api.resources.database.asService();

function make(user: TestUser, permissions: KeyPermission[] = ['session:read'], more: object = {}): Promise<Answer> {
  return api.call('POST', '/v1/me/keys', { token: user.token, body: { name: 'a test', permissions, ...more } });
}

async function made(user: TestUser, permissions?: KeyPermission[]): Promise<Made> {
  return (await make(user, permissions)).body.data;
}

const withKey = (key: string, method: string, path: string, body?: object) =>
  api.call(method, path, { headers: { 'X-API-Key': key }, ...(body ? { body } : {}) });

describe('an API key (G5)', () => {
  test('is shown once; what is kept is its hash, and what its owner sees later is its first letters', async () => {
    const user = await api.newUser();
    const { id, key, prefix } = await made(user);
    expect(key).toMatch(/^mp_[\w-]{43}$/);
    expect(key.startsWith(prefix)).toBe(true);

    const list = await api.call('GET', '/v1/me/keys', { token: user.token });
    expect(list.body.data).toMatchObject({ items: [{ id, prefix, permissions: ['session:read'], lastUsedAt: null }] });
    expect(list.text).not.toContain(key);
    const row = await em().findOneOrFail(ApiKey, id);
    expect(row.keyHash).toBe(createHash('sha256').update(key).digest('hex'));
    expect(JSON.stringify(row)).not.toContain(key);
  });

  test('opens what it was made for and nothing else, and never the account or other keys', async () => {
    const user = await api.newUser();
    const { id, key } = await made(user, ['session:read', 'session:create']);
    const session = { sessionType: 'dowsing', cue: 'Is it here?' };
    expect((await withKey(key, 'GET', '/v1/sessions')).status).toBe(200);
    for (const [method, path, body] of [
      ['GET', '/v1/stats', undefined],
      ['GET', '/v1/me', undefined],
      ['GET', '/v1/me/keys', undefined],
      ['POST', '/v1/me/keys', { name: 'more', permissions: ['session:read'] }],
      ['PATCH', `/v1/me/keys/${id}`, { permissions: ['session:delete'] }],
      ['DELETE', `/v1/sessions/${id}`, undefined],
    ] as const) {
      expect((await withKey(key, method, path, body)).body.error?.code).toBe('forbidden');
    }
    expect((await withKey(key, 'POST', '/v1/auth/login', session)).status).toBe(400);
  });

  test('is refused from the request after its revocation on', async () => {
    const user = await api.newUser();
    const { id, key } = await made(user);
    expect((await withKey(key, 'GET', '/v1/sessions')).status).toBe(200);
    expect((await api.call('DELETE', `/v1/me/keys/${id}`, { token: user.token })).status).toBe(200);
    expect((await withKey(key, 'GET', '/v1/sessions')).body.error?.code).toBe('unauthenticated');
  });

  test('is refused once it has ended', async () => {
    const { id, key } = await made(await api.newUser());
    await em().nativeUpdate(ApiKey, { id }, { expiresAt: new Date(Date.now() - 1) });
    expect((await withKey(key, 'GET', '/v1/sessions')).status).toBe(401);
  });

  test('ends at the last moment of the last year at the latest, however fine that is written', async () => {
    const user = await api.newUser();
    const { body } = await make(user, ['session:read'], { expiresAt: '9999-12-31T23:59:59.999999999Z' });
    expect(body.data).toMatchObject({ expiresAt: '9999-12-31T23:59:59.999Z' });
  });

  test('cannot be made with an end that has passed, for nothing, or for what keys are not for', async () => {
    const user = await api.newUser();
    for (const wrong of [
      { expiresAt: '2020-01-01T00:00:00Z' },
      { permissions: [] },
      { permissions: ['key:manage'] },
      { permissions: ['config:manage'] },
      { userId: user.id },
    ]) {
      expect((await make(user, ['session:read'], wrong)).body.error?.code).toBe('validation_failed');
    }
  });

  test('never has more than its owner: not when it is made, and not after the owner lost it', async () => {
    const user = await api.newUser();
    expect((await make(user, ['model:manage'])).body.error?.code).toBe('forbidden');

    await grantRole(em(), user.email, 'operator');
    const { body } = await api.call('POST', '/v1/auth/login', {
      body: { email: user.email, password: user.password },
    });
    const { accessToken } = body.data as { accessToken: string };
    const { key } = await made({ ...user, token: accessToken }, ['model:manage', 'session:read']);
    expect((await withKey(key, 'GET', '/v1/models/trainings')).status).toBe(200);

    const taken = await grantRole(em(), user.email, 'user');
    await createStandings(api.deps).remember(user.id, taken?.standing ?? { tier: 'basic', role: 'operator' });
    expect((await withKey(key, 'GET', '/v1/models/trainings')).body.error?.code).toBe('forbidden');
    expect((await withKey(key, 'GET', '/v1/sessions')).status).toBe(200);
  });

  test('beside an access token is an error, whichever of the two is good (G2)', async () => {
    const user = await api.newUser();
    const { key } = await made(user);
    for (const [token, shown] of [
      [user.token, key],
      ['none', key],
      [user.token, 'none'],
    ] as const) {
      const answer = await api.call('GET', '/v1/sessions', { token, headers: { 'X-API-Key': shown } });
      expect(answer.body.error).toMatchObject({ code: 'validation_failed', details: [{ path: 'X-API-Key' }] });
    }
  });

  test('is not told apart from none when it is wrong', async () => {
    for (const wrong of ['', 'mp_', `mp_${'a'.repeat(43)}`, 'x'.repeat(10_000), "' or 1=1 --"]) {
      expect((await withKey(wrong, 'GET', '/v1/sessions')).body.error?.code).toBe('unauthenticated');
    }
  });

  test('says when it was used last, written at most once a minute', async () => {
    const { id, key } = await made(await api.newUser());
    const lastUse = async () => (await em().findOneOrFail(ApiKey, id)).lastUsedAt?.getTime();
    const usedAgo = async (seconds: number) => {
      const at = new Date(Date.now() - seconds * 1_000);
      await em().nativeUpdate(ApiKey, { id }, { lastUsedAt: at });
      await withKey(key, 'GET', '/v1/sessions');
      return (await lastUse()) === at.getTime() ? 'kept' : 'written';
    };
    await withKey(key, 'GET', '/v1/sessions');
    expect(await lastUse()).toBeDefined();
    expect(await usedAgo(30)).toBe('kept');
    expect(await usedAgo(90)).toBe('written');
  });
});

describe('the keys of an account (G5)', () => {
  test('are as many as its tier allows, however many are asked for at once', async () => {
    const user = await api.newUser();
    const { apiKeys } = tierTerms.basic;
    const answers = await Promise.all(Array.from({ length: apiKeys + 3 }, () => make(user)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(apiKeys);
    expect(answers.filter(({ body }) => body.error?.code === 'too_many_keys')).toHaveLength(3);
  });

  test('can be renamed, narrowed and ended later, each alone', async () => {
    const user = await api.newUser();
    const { id, key } = await made(user, ['session:read', 'stats:read']);
    const change = (body: object) => api.call('PATCH', `/v1/me/keys/${id}`, { token: user.token, body });
    expect((await change({ name: 'renamed' })).body.data).toMatchObject({
      name: 'renamed',
      permissions: ['session:read', 'stats:read'],
      expiresAt: null,
    });
    await change({ permissions: ['session:read'] });
    expect((await withKey(key, 'GET', '/v1/stats')).status).toBe(403);
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    expect((await change({ expiresAt })).body.data).toMatchObject({ name: 'renamed', expiresAt });
    expect((await change({ expiresAt: null })).body.data).toMatchObject({ expiresAt: null });
    expect((await change({ permissions: ['model:manage'] })).status).toBe(403);
  });

  test('are nobody else’s: to another account they are as if they never were (I5)', async () => {
    const [owner, stranger] = [await api.newUser(), await api.newUser()];
    const { id } = await made(owner);
    for (const method of ['PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { body: { name: 'mine' } } : {};
      const answer = await api.call(method, `/v1/me/keys/${id}`, { token: stranger.token, ...body });
      expect(answer.body.error?.code).toBe('not_found');
    }
    expect((await api.call('GET', '/v1/me/keys', { token: stranger.token })).body.data).toEqual({ items: [] });
    const asStranger = () => api.resources.database.asUser(stranger.id);
    expect(await asStranger().execute('select id from api_keys')).toEqual([]);
    await expect(asStranger().execute('select key_hash from api_keys')).rejects.toThrow(/permission denied/);
  });
});
