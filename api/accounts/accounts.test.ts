import { randomBytes, randomUUID } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findAccount, setPendingEmail } from '../../db/accounts.ts';
import { User } from '../../db/users.ts';
import { startTestApi, type TestApi, type TestUser } from '../../tests/api.ts';
import { tryForLong } from '../../tests/signInAttempts.ts';
import { mailedToken } from '../../tests/mail.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ worker: true });
});
afterAll(() => api.close());

const post = (path: string, body: object, token?: string) => api.call('POST', path, { body, token });
const me = async (token: string) => (await api.call('GET', '/v1/me', { token })).body.data as Record<string, unknown>;
const logIn = (user: { email: string; password: string }) =>
  post('/v1/auth/login', { email: user.email, password: user.password });
const statusOf = async (token: string) => (await api.call('GET', '/v1/me', { token })).status;

describe('an e-mail', () => {
  test('is confirmed by the link of the welcome mail, and a second click does no harm (X2)', async () => {
    const user = await api.newUser();
    expect(await me(user.token)).toMatchObject({ emailConfirmed: false });
    const token = await mailedToken(user.email, 'welcome');
    for (let click = 0; click < 2; click += 1) expect((await post('/v1/auth/confirm', { token })).status).toBe(200);
    expect(await me(user.token)).toMatchObject({ emailConfirmed: true, pendingEmail: null });
  });

  test('is not confirmed by a link that is none, another’s, or for another purpose', async () => {
    const user = await api.newUser();
    await post('/v1/auth/password/forgot', { email: user.email });
    for (const token of ['nonsense', user.token, await mailedToken(user.email, 'reset_password')]) {
      const refused = await post('/v1/auth/confirm', { token });
      expect(refused.body.error?.code).toBe('link_invalid');
    }
    expect(await me(user.token)).toMatchObject({ emailConfirmed: false });
    const link = await mailedToken(user.email, 'welcome');
    expect((await api.call('GET', '/v1/me', { token: link })).status).toBe(401);
  });

  test('can have its link sent again', async () => {
    const user = await api.newUser();
    expect((await api.call('POST', '/v1/me/email/confirmation', { token: user.token })).status).toBe(202);
    const token = await mailedToken(user.email, 'confirm_email');
    expect((await post('/v1/auth/confirm', { token })).status).toBe(200);
  });

  test('is changed with the password, and counts once it is confirmed', async () => {
    const user = await api.newUser();
    const email = `new-${user.email}`;
    const patch = (body: object) => api.call('PATCH', '/v1/me', { token: user.token, body });
    expect((await patch({ email })).status).toBe(400);
    expect((await patch({ email, currentPassword: 'wrong' })).body.error?.code).toBe('wrong_password');
    const answer = await patch({ email: email.toUpperCase(), currentPassword: user.password });
    expect(answer.body.data).toMatchObject({ email: user.email, pendingEmail: email });
    expect((await logIn({ ...user, email })).status).toBe(401);
    const token = await mailedToken(email, 'confirm_email');
    expect((await post('/v1/auth/confirm', { token })).status).toBe(200);
    expect(await me(user.token)).toMatchObject({ email, emailConfirmed: true, pendingEmail: null });
    expect((await logIn({ ...user, email })).status).toBe(200);
    expect((await post('/v1/auth/confirm', { token: await mailedToken(user.email, 'welcome') })).status).toBe(400);
  });

  test.each(['change', 'reset'] as const)(
    'that was asked for is so no longer after a %s of the password, which an intruder may have asked by',
    async (way) => {
      const user = await api.newUser();
      const email = `new-${user.email}`;
      const body = { email, currentPassword: user.password };
      await api.call('PATCH', '/v1/me', { token: user.token, body });
      const token = await mailedToken(email, 'confirm_email');
      const newPassword = 'quite another password';
      if (way === 'change') {
        await post('/v1/me/password', { currentPassword: user.password, newPassword }, user.token);
        expect(await me(user.token)).toMatchObject({ email: user.email, pendingEmail: null });
      } else {
        await post('/v1/auth/password/forgot', { email: user.email });
        await post('/v1/auth/password/reset', {
          token: await mailedToken(user.email, 'reset_password'),
          newPassword,
        });
      }
      expect((await post('/v1/auth/confirm', { token })).body.error?.code).toBe('link_invalid');
      expect((await logIn({ email, password: newPassword })).status).toBe(401);
      const signedIn = await logIn({ ...user, password: newPassword });
      expect(signedIn.body.data).toMatchObject({ user: { email: user.email, pendingEmail: null } });
    },
  );

  test('is not asked for by a password that was changed meanwhile', async () => {
    const user = await api.newUser();
    const em = api.resources.database.asService();
    const account = await findAccount(em, { id: user.id });
    if (account === null) throw new Error('no account');
    await post(
      '/v1/me/password',
      { currentPassword: user.password, newPassword: 'quite another password' },
      user.token,
    );
    expect(await setPendingEmail(em, account, `new-${user.email}`)).toBe(false);
    expect(await me(user.token)).toMatchObject({ pendingEmail: null });
  });

  test('is not asked for where the username beside it is taken: a change is made whole or not at all', async () => {
    const [user, other] = [await api.newUser(), await api.newUser()];
    const { username } = await me(other.token);
    const body = { username, email: `new-${user.email}`, currentPassword: user.password };
    const refused = await api.call('PATCH', '/v1/me', { token: user.token, body });
    expect(refused.body.error?.code).toBe('username_taken');
    const account = await findAccount(api.resources.database.asService(), { id: user.id });
    expect(account).toMatchObject({ email: user.email, pendingEmail: null });
  });

  test('of somebody else is refused', async () => {
    const [user, other] = [await api.newUser(), await api.newUser()];
    const body = { email: other.email, currentPassword: user.password };
    expect((await api.call('PATCH', '/v1/me', { token: user.token, body })).body.error?.code).toBe('email_taken');
  });
});

describe('the pages of links', () => {
  test.each(['confirm', 'reset', 'forgot'])(
    '%s does nothing by being opened, and loads nothing from elsewhere',
    async (name) => {
      const response = await fetch(`${api.url}/account/${name}`);
      const policy = response.headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      // The empty icon, which a browser refused otherwise.
      expect(policy).toContain('img-src data:');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      const html = await response.text();
      expect(html).not.toMatch(/https?:/);
      for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
        expect((await fetch(`${api.url}${path}`)).status).toBe(200);
      }
    },
  );
});

describe('a forgotten password', () => {
  test('is replaced by the link, once, and every log-in ends', async () => {
    const user = await api.newUser();
    await post('/v1/auth/password/forgot', { email: user.email });
    const token = await mailedToken(user.email, 'reset_password');
    const newPassword = 'quite another password';
    const weak = await post('/v1/auth/password/reset', { token, newPassword: 'passwordpassword' });
    expect(weak.body.error?.details?.[0]?.path).toBe('newPassword');
    const outcomes = await Promise.all([1, 2, 3].map(() => post('/v1/auth/password/reset', { token, newPassword })));
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([200, 400, 400]);
    const again = await post('/v1/auth/password/reset', { token, newPassword: 'and yet another one' });
    expect(again.body.error?.code).toBe('link_invalid');
    expect(await statusOf(user.token)).toBe(401);
    expect((await post('/v1/auth/refresh', { refreshToken: user.refreshToken })).status).toBe(401);
    expect((await logIn(user)).status).toBe(401);
    const signedIn = await logIn({ ...user, password: newPassword });
    expect(signedIn.body.data).toMatchObject({ user: { emailConfirmed: true } });
  });

  test('is asked for in the same words whether the e-mail is known or not', async () => {
    const user = await api.newUser();
    const answers = [user.email, `nobody-${user.email}`].map((email) => post('/v1/auth/password/forgot', { email }));
    const [known, unknown] = await Promise.all(answers);
    expect(unknown?.status).toBe(known?.status);
    expect(unknown?.body.message).toBe(known?.body.message);
  });
});

describe('a password', () => {
  test('is the same however its letters are put together: as one sign, or as a letter and its accent (G5)', async () => {
    const { email } = await api.newUser();
    const password = 'Käse, Öl und dreißig Rüben';
    const body = { email: `nfc-${email}`, username: randomUUID(), password: password.normalize('NFD') };
    expect((await post('/v1/auth/register', body)).status).toBe(201);
    for (const form of ['NFC', 'NFD'] as const) {
      expect((await logIn({ email: body.email, password: password.normalize(form) })).status).toBe(200);
    }
  });

  test('is changed by who knows it; other log-ins end, this one goes on', async () => {
    const user = await api.newUser();
    const other = (await logIn(user)).body.data as { accessToken: string };
    const newPassword = 'quite another password';
    const change = (currentPassword: string) => post('/v1/me/password', { currentPassword, newPassword }, user.token);
    expect((await change('wrong')).body.error?.code).toBe('wrong_password');
    expect((await change(user.password)).status).toBe(200);
    expect(await statusOf(user.token)).toBe(200);
    expect(await statusOf(other.accessToken)).toBe(401);
    expect((await logIn({ ...user, password: newPassword })).status).toBe(200);
  });

  test('by old parameters opens, and is kept by today’s from then on, also when many log in at once', async () => {
    const user = await api.newUser();
    const em = api.resources.database.asService();
    const old = await hash(user.password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    await em.nativeUpdate(User, user.id, { passwordHash: old });
    const answers = await Promise.all([1, 2, 3].map(() => logIn(user)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { passwordHash } = await em.findOneOrFail(User, user.id, { refresh: true });
    expect(passwordHash).toContain('m=7168,t=5');
  });

  test('that is tried too often has to wait, and even a right one is not looked at; a reset opens at once', async () => {
    const user = await api.newUser();
    const wrong = () => logIn({ ...user, password: 'wrong' });
    const statuses = (await Promise.all(Array.from({ length: 12 }, wrong))).map(({ status }) => status);
    // Five, and where the machine is slow those who waited the first delays out.
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThanOrEqual(5);
    expect(statuses).toContain(429);
    await tryForLong(api, user.email);
    const refused = await logIn(user);
    expect(refused.body.error?.code).toBe('too_many_attempts');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    await post('/v1/auth/password/forgot', { email: user.email });
    const newPassword = 'quite another password';
    const token = await mailedToken(user.email, 'reset_password');
    expect((await post('/v1/auth/password/reset', { token, newPassword })).status).toBe(200);
    expect((await logIn({ ...user, password: newPassword })).status).toBe(200);
  });
});

describe('a network', () => {
  test('that tries passwords from each of its addresses has to wait all the same (S1)', async () => {
    const behind = await startTestApi({ changes: { TRUST_PROXY: 1 } });
    try {
      const network = `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}`;
      const attemptFrom = (address: string) => {
        const body = { email: `${randomUUID()}@example.com`, password: 'wrong' };
        return behind.call('POST', '/v1/auth/login', { body, headers: { 'X-Forwarded-For': address } });
      };
      const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => attemptFrom(`${network}::${i + 1}`)));
      expect(answers.map(({ body }) => body.error?.code)).toContain('too_many_attempts');
      const next = `${network.slice(0, -4)}${network.endsWith('0') ? '1' : '0'}::1`;
      expect((await attemptFrom(next)).body.error?.code).toBe('invalid_credentials');
    } finally {
      await behind.close();
    }
  });
});

describe('an account', () => {
  let user: TestUser;
  beforeAll(async () => {
    user = await api.newUser();
  });
  const patch = (body: object) => api.call('PATCH', '/v1/me', { token: user.token, body });

  test('is renamed, and read so at once', async () => {
    const username = `renamed-${user.id}`;
    expect((await patch({ username })).body.data).toMatchObject({ username, email: user.email });
    expect(await me(user.token)).toMatchObject({ username });
    const other = await api.newUser();
    const taken = await api.call('PATCH', '/v1/me', { token: other.token, body: { username } });
    expect(taken.body.error?.code).toBe('username_taken');
  });

  test.each(['tier', 'role', 'id', 'userId', 'emailConfirmed', 'passwordHash', '__proto__', 'permissions'])(
    'has no %s that its owner could set',
    async (field) => {
      const before = await me(user.token);
      const refused = await api.call('PATCH', '/v1/me', { token: user.token, text: `{"${field}":"enterprise"}` });
      expect(refused.status).toBe(400);
      expect(await me(user.token)).toEqual(before);
    },
  );

  test('is read from the cache, which is written through and may be lost (D2)', async () => {
    const { cache } = api.resources;
    await me(user.token);
    const cached = await cache.cacheEntry('user', user.id).get();
    expect(cached).toContain(user.email);
    expect(cached).not.toMatch(/argon2|password/);
    await cache.cacheEntry('user', user.id).forget();
    expect(await me(user.token)).toMatchObject({ email: user.email });
  });
});
