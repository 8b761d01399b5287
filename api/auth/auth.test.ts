import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { grantRole, roleOf } from '../../db/roles.ts';
import { permissionsOf } from '../../domain/tiers.ts';
import { startTestApi, type TestApi } from '../../tests/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const password = 'correct horse battery';
let users = 0;
function newRegistration() {
  users += 1;
  const name = `ada.${process.pid}.${Date.now()}.${users}`;
  return { email: `${name}@example.com`, username: name, password };
}

describe('registering', () => {
  test('answers 201 with the user and tokens that work at once (G5)', async () => {
    const registration = newRegistration();
    const { status, body } = await api.call('POST', '/v1/auth/register', { body: registration });
    expect(status).toBe(201);
    const data = body.data as { user: object; accessToken: string; expiresInSeconds: number };
    expect(data.user).toMatchObject({ email: registration.email, username: registration.username, tier: 'basic' });
    expect(data.expiresInSeconds).toBe(900);
    const me = await api.call('GET', '/v1/me', { token: data.accessToken });
    expect(me.status).toBe(200);
    expect(me.body.data).toEqual(data.user);
  });

  test('never answers or keeps the password itself', async () => {
    const { text } = await api.call('POST', '/v1/auth/register', { body: newRegistration() });
    expect(text).not.toContain(password);
    expect(text).not.toContain('argon2');
  });

  test('takes an e-mail for the same in upper and lower case', async () => {
    const registration = newRegistration();
    await api.call('POST', '/v1/auth/register', { body: registration });
    const again = await api.call('POST', '/v1/auth/register', {
      body: { ...newRegistration(), email: ` ${registration.email.toUpperCase()}` },
    });
    expect(again.status).toBe(409);
    expect(again.body.error?.code).toBe('email_taken');
  });

  test.each(['Ада', 'प्रिया', 'สมชาย', '小野小町'])('takes a username of any script, such as %s', async (name) => {
    const username = `${name}-${randomUUID()}`;
    const { body } = await api.call('POST', '/v1/auth/register', { body: { ...newRegistration(), username } });
    expect(body.data).toMatchObject({ user: { username } });
  });

  test('refuses a username that is taken', async () => {
    const registration = newRegistration();
    await api.call('POST', '/v1/auth/register', { body: registration });
    const again = await api.call('POST', '/v1/auth/register', {
      body: { ...newRegistration(), username: registration.username },
    });
    expect(again.body.error?.code).toBe('username_taken');
  });

  test.each([
    ['an e-mail without a domain', { email: 'ada' }, 'email'],
    ['a short password', { password: 'short' }, 'password'],
    ['a password of 201 characters', { password: 'x'.repeat(201) }, 'password'],
    ['a username with a space', { username: 'a b c' }, 'username'],
    ['a username of two letters', { username: 'ab' }, 'username'],
    ['a tier of its own choice', { tier: 'enterprise' }, 'body'],
  ])('refuses %s and names the field', async (_name, given, path) => {
    const { status, body } = await api.call('POST', '/v1/auth/register', { body: { ...newRegistration(), ...given } });
    expect(status).toBe(400);
    expect(body.error?.code).toBe('validation_failed');
    expect(body.error?.details?.map((detail) => detail.path)).toContain(path);
  });
});

describe('logging in', () => {
  test('answers tokens with the claims of G5, signed by a key of the JWKS', async () => {
    const user = newRegistration();
    await api.call('POST', '/v1/auth/register', { body: user });
    const { status, body } = await api.call('POST', '/v1/auth/login', {
      body: { email: user.email, password: user.password },
    });
    expect(status).toBe(200);
    const { accessToken } = body.data as { accessToken: string };
    const keys = (await (await fetch(`${api.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
    const { payload, protectedHeader } = await jwtVerify(accessToken, createLocalJWKSet(keys));
    expect(protectedHeader.alg).toBe('RS256');
    expect(protectedHeader.kid).toBe(keys.keys[0]?.kid);
    expect(payload).toMatchObject({ aud: 'mindpeeker-api', iss: 'mindpeeker-auth', tier: 'basic' });
    expect(payload.permissions).toEqual(permissionsOf({ tier: 'basic', role: 'user' }));
    expect(Object.keys(payload).sort()).toEqual(
      ['aud', 'exp', 'iat', 'iss', 'jti', 'permissions', 'sid', 'sub', 'tier'].sort(),
    );
  });

  test('refuses a wrong e-mail and a wrong password in the same words', async () => {
    const user = newRegistration();
    await api.call('POST', '/v1/auth/register', { body: user });
    const wrongPassword = await api.call('POST', '/v1/auth/login', {
      body: { email: user.email, password: 'something else' },
    });
    const wrongEmail = await api.call('POST', '/v1/auth/login', {
      body: { email: `no-${user.email}`, password: user.password },
    });
    for (const { status, body } of [wrongPassword, wrongEmail]) {
      expect(status).toBe(401);
      expect(body.error).toEqual(wrongEmail.body.error);
      expect(body.error?.code).toBe('invalid_credentials');
    }
  });
});

describe('the keys', () => {
  test('are served without their private parts, to be cached (G5)', async () => {
    const answer = await fetch(`${api.url}/.well-known/jwks.json`);
    expect(answer.headers.get('cache-control')).toContain('max-age');
    const { keys } = (await answer.json()) as JSONWebKeySet;
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    }
  });
});

describe('refreshing and logging out', () => {
  test('a refresh answers tokens that work, and the next refresh token of the log-in', async () => {
    const user = await api.newUser();
    const { body } = await api.call('POST', '/v1/auth/refresh', { body: { refreshToken: user.refreshToken } });
    const data = body.data as { accessToken: string; refreshToken: string };
    expect(data.refreshToken).not.toBe(user.refreshToken);
    expect((await api.call('GET', '/v1/me', { token: data.accessToken })).status).toBe(200);
    expect(decodeProtectedHeader(data.accessToken).alg).toBe('RS256');
  });

  test('after a log-out no refresh token of the log-in works', async () => {
    const user = await api.newUser();
    const first = await api.call('POST', '/v1/auth/refresh', { body: { refreshToken: user.refreshToken } });
    const { refreshToken } = first.body.data as { refreshToken: string };
    expect((await api.call('POST', '/v1/auth/logout', { body: { refreshToken } })).status).toBe(200);
    for (const token of [refreshToken, user.refreshToken]) {
      const refused = await api.call('POST', '/v1/auth/refresh', { body: { refreshToken: token } });
      expect(refused.status).toBe(401);
      expect(refused.body.error?.code).toBe('unauthenticated');
    }
  });

  test('a log-out with an unknown token is no error, and tells nothing', async () => {
    expect((await api.call('POST', '/v1/auth/logout', { body: { refreshToken: 'unknown' } })).status).toBe(200);
  });
});

describe('the end of a log-in', () => {
  const statusOf = async (token: string) => (await api.call('GET', '/v1/me', { token })).status;
  const signIn = async ({ email, password }: { email: string; password: string }, agent: string) => {
    const { body } = await api.call('POST', '/v1/auth/login', {
      body: { email, password },
      headers: { 'User-Agent': agent },
    });
    return body.data as { accessToken: string; refreshToken: string };
  };
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  interface LoginView {
    id: string;
    agent: string | null;
    current: boolean;
  }

  test('takes effect at once: the access token is refused from the next request on (G5)', async () => {
    const user = await api.newUser();
    const other = await signIn(user, firefox);
    expect(await statusOf(user.token)).toBe(200);
    await api.call('POST', '/v1/auth/logout', { body: { refreshToken: user.refreshToken } });
    expect(await statusOf(user.token)).toBe(401);
    expect(await statusOf(other.accessToken)).toBe(200);
  });

  test('everywhere ends them all, this one too', async () => {
    const user = await api.newUser();
    const other = await signIn(user, firefox);
    const { body } = await api.call('POST', '/v1/auth/logout-everywhere', { token: user.token });
    expect(body.data).toEqual({ ended: 2 });
    for (const token of [user.token, other.accessToken]) expect(await statusOf(token)).toBe(401);
    expect((await signIn(user, firefox)).accessToken).toBeDefined();
  });

  test('can be asked for one of the list, which names the kind of client and no more', async () => {
    const user = await api.newUser();
    const other = await signIn(user, firefox);
    const list = async () =>
      (await api.call('GET', '/v1/me/logins', { token: user.token })).body.data as { items: LoginView[] };
    const { items } = await list();
    expect(items).toHaveLength(2);
    const theirs = items.find(({ current }) => !current);
    expect(theirs).toMatchObject({ agent: 'Firefox on Linux' });
    const ended = await api.call('DELETE', `/v1/me/logins/${theirs?.id}`, { token: user.token });
    expect(ended.status).toBe(200);
    expect(await statusOf(other.accessToken)).toBe(401);
    expect((await list()).items).toHaveLength(1);
    const again = await api.call('DELETE', `/v1/me/logins/${theirs?.id}`, { token: user.token });
    expect(again.status).toBe(404);
  });

  test('of somebody else cannot be asked for, nor told from one that never was', async () => {
    const [user, stranger] = [await api.newUser(), await api.newUser()];
    const { loginId } = (await api.deps.tokens.verify(user.token)).credential as { loginId: string };
    const theirs = await api.call('DELETE', `/v1/me/logins/${loginId}`, { token: stranger.token });
    expect(theirs.status).toBe(404);
    expect(await statusOf(user.token)).toBe(200);
  });
});

describe('a role', () => {
  test('is granted, shows in the next token and at /me, and is taken back with the one after', async () => {
    const user = await api.newUser();
    const signIn = async () => {
      const { body } = await api.call('POST', '/v1/auth/login', {
        body: { email: user.email, password: user.password },
      });
      return body.data as { accessToken: string; user: { role: string; permissions: string[] } };
    };
    const em = () => api.resources.database.asService();
    const before = await signIn();
    expect(before.user).toMatchObject({ role: 'user' });
    expect(before.user.permissions).not.toContain('model:manage');

    for (const role of ['operator', 'admin'] as const) {
      expect(await grantRole(em(), user.email.toUpperCase(), role)).toEqual({
        userId: user.id,
        standing: { tier: 'basic', role },
      });
      const { accessToken } = await signIn();
      expect((await api.deps.tokens.verify(accessToken)).permissions).toContain('model:manage');
      const me = await api.call('GET', '/v1/me', { token: accessToken });
      expect(me.body.data).toMatchObject({ role, permissions: permissionsOf({ tier: 'basic', role }) });
    }

    await grantRole(em(), user.email, 'user');
    expect((await signIn()).user).toEqual(before.user);
    expect(await grantRole(em(), 'nobody@example.com', 'operator')).toBeNull();
  });

  test('of somebody else cannot be seen by the gateway, nor changed by it (I5)', async () => {
    const [operator, other] = [await api.newUser(), await api.newUser()];
    await grantRole(api.resources.database.asService(), operator.email, 'operator');
    const em = () => api.resources.database.asUser(other.id);
    expect(await roleOf(em(), operator.id)).toBe('user');
    await expect(grantRole(em(), other.email, 'admin')).rejects.toThrow(/permission denied/);
  });
});
