import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { TOTP } from 'otpauth';
import { AccountNotice } from '../../db/accountNotices.ts';
import { noticeKinds } from '../../domain/accountMails.ts';
import { hourMs, secondMs } from '../../domain/time.ts';
import { createWorkflowClient } from '../../temporal/client.ts';
import { createNotices } from './notices.ts';
import { startTestApi, type TestApi, type TestUser } from '../../tests/api.ts';
import { makePasskey } from '../../tests/authenticator.ts';
import { mailedToken, untilMailed, type SunkMail } from '../../tests/mail.ts';
import { until } from '../../tests/until.ts';

const password = 'quite another password';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ worker: true });
});
afterAll(() => api.close());

const isNotice = ({ customArgs: { mail } }: SunkMail) => noticeKinds.some((kind) => kind === mail);
/** The notices to this address, once there are so many. */
const noticesTo = (address: string, count = 1) =>
  untilMailed(address, (mails) => {
    const found = mails.filter(isNotice);
    return found.length >= count ? found : undefined;
  });
const kindsOf = (mails: SunkMail[]) => mails.map(({ customArgs }) => customArgs.mail).toSorted();
const textOf = (mail: SunkMail | undefined) => mail?.content[0]?.value ?? '';

const call = (method: string, path: string, { token }: TestUser, body: object = {}) =>
  api.call(method, path, { token, body });
const makeKey = (user: TestUser) =>
  call('POST', '/v1/me/keys', user, { name: 'A script', permissions: ['session:read'] });

describe('the owner of an account is told by mail, once, that (G5)', () => {
  test('the password was changed, and how to get the account back, without any secret (I5)', async () => {
    const user = await api.newUser();
    const change = { currentPassword: user.password, newPassword: password };
    expect((await call('POST', '/v1/me/password', user, change)).status).toBe(200);
    const [mail] = await noticesTo(user.email);
    expect(mail).toMatchObject({ subject: 'Your password was changed', customArgs: { mail: 'password_changed' } });
    expect(textOf(mail)).toMatch(/ on \d+ \w+ \d{4} at \d\d:\d\d UTC\./);
    expect(textOf(mail)).toContain(`${api.deps.publicUrl}/account/forgot`);
    for (const secret of [password, user.password, user.token, '#']) expect(textOf(mail)).not.toContain(secret);
  });

  test('the password was set by a link; a link that no longer works tells nothing', async () => {
    const user = await api.newUser();
    await api.call('POST', '/v1/auth/password/forgot', { body: { email: user.email } });
    const body = { token: await mailedToken(user.email, 'reset_password'), newPassword: password };
    const answers = await Promise.all([1, 2, 3].map(() => api.call('POST', '/v1/auth/password/reset', { body })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const { body: signedIn } = await api.call('POST', '/v1/auth/login', { body: { email: user.email, password } });
    // Whatever else would have been told was so before this.
    await makeKey({ ...user, token: (signedIn.data as { accessToken: string }).accessToken });
    expect(kindsOf(await noticesTo(user.email, 2))).toEqual(['api_key_made', 'password_changed']);
  });

  test('another e-mail was asked for and took its place, at the old one both times', async () => {
    const user = await api.newUser();
    const email = `${randomUUID()}@example.com`;
    for (let ask = 0; ask < 2; ask += 1) {
      expect((await call('PATCH', '/v1/me', user, { email, currentPassword: user.password })).status).toBe(200);
    }
    const token = await mailedToken(email, 'confirm_email');
    expect(kindsOf(await noticesTo(user.email))).toEqual(['email_change_asked']);
    for (let click = 0; click < 2; click += 1) {
      expect((await api.call('POST', '/v1/auth/confirm', { body: { token } })).status).toBe(200);
    }
    const found = await noticesTo(user.email, 2);
    expect(kindsOf(found)).toEqual(['email_change_asked', 'email_changed']);
    expect(found.map(textOf).join('')).not.toContain(email);
    await makeKey(user);
    expect(kindsOf(await noticesTo(email))).toEqual(['api_key_made']);
    expect(kindsOf(await noticesTo(user.email, 2))).toEqual(['email_change_asked', 'email_changed']);
  });

  test('the second factor was switched on and off', async () => {
    const user = await api.newUser();
    const { body } = await call('POST', '/v1/me/totp', user, { currentPassword: user.password });
    const totp = new TOTP({ secret: (body.data as { secret: string }).secret });
    const confirmed = await call('POST', '/v1/me/totp/confirm', user, { code: totp.generate() });
    expect(kindsOf(await noticesTo(user.email))).toEqual(['totp_on']);
    const { recoveryCodes } = confirmed.body.data as { recoveryCodes: string[] };
    expect((await call('DELETE', '/v1/me/totp', user, { recoveryCode: recoveryCodes[0] })).status).toBe(200);
    expect((await call('DELETE', '/v1/me/totp', user, { recoveryCode: recoveryCodes[1] })).status).toBe(404);
    expect(kindsOf(await noticesTo(user.email, 2))).toEqual(['totp_off', 'totp_on']);
  });

  test('a recovery code was used to sign in, and how many are left; a wrong one tells nothing', async () => {
    const user = await api.newUser();
    const { body } = await call('POST', '/v1/me/totp', user, { currentPassword: user.password });
    const totp = new TOTP({ secret: (body.data as { secret: string }).secret });
    const confirmed = await call('POST', '/v1/me/totp/confirm', user, { code: totp.generate() });
    const { recoveryCodes } = confirmed.body.data as { recoveryCodes: string[] };
    const credentials = { email: user.email, password: user.password };
    const asked = await api.call('POST', '/v1/auth/login', { body: credentials });
    const challenge = asked.body.error?.details?.[0]?.message;
    const statuses: number[] = [];
    for (const recoveryCode of [recoveryCodes[0], recoveryCodes[0], 'A'.repeat(16)]) {
      const body = { challenge, recoveryCode };
      statuses.push((await api.call('POST', '/v1/auth/login/second-factor', { body })).status);
    }
    expect(statuses).toEqual([200, 403, 403]);
    await makeKey(user);
    const found = await noticesTo(user.email, 3);
    expect(kindsOf(found)).toEqual(['api_key_made', 'recovery_code_used', 'totp_on']);
    const told = textOf(found.find(({ customArgs }) => customArgs.mail === 'recovery_code_used'));
    expect(told).toContain('Recovery codes that are left: 9.');
    for (const code of recoveryCodes) expect(told).not.toContain(code);
  });

  test('a passkey was added and removed', async () => {
    const user = await api.newUser();
    const { body } = await call('POST', '/v1/me/passkeys/options', user, { currentPassword: user.password });
    const { challenge, user: named } = body.data as { challenge: string; user: { id: string } };
    const { hostname: rpId, origin } = new URL(api.deps.publicUrl);
    const { credential } = makePasskey({ challenge, rpId, origin }, named.id);
    const added = await call('POST', '/v1/me/passkeys', user, { label: 'My telephone', credential });
    expect(kindsOf(await noticesTo(user.email))).toEqual(['passkey_added']);
    const path = `/v1/me/passkeys/${(added.body.data as { id: string }).id}`;
    const removed = await Promise.all([1, 2].map(() => api.call('DELETE', path, { token: user.token })));
    expect(removed.map(({ status }) => status).toSorted()).toEqual([200, 404]);
    const [mail] = await noticesTo(user.email, 2);
    expect(textOf(mail)).not.toContain('My telephone');
    expect(kindsOf(await noticesTo(user.email, 2))).toEqual(['passkey_added', 'passkey_removed']);
  });

  test('an API key was made; the same request again makes and tells nothing more', async () => {
    const user = await api.newUser();
    const headers = { 'Idempotency-Key': randomUUID() };
    const body = { name: 'A script', permissions: ['session:read'] };
    const made = await api.call('POST', '/v1/me/keys', { token: user.token, body, headers });
    await api.call('POST', '/v1/me/keys', { token: user.token, body, headers });
    await call('POST', '/v1/me/password', user, { currentPassword: user.password, newPassword: password });
    const found = await noticesTo(user.email, 2);
    expect(kindsOf(found)).toEqual(['api_key_made', 'password_changed']);
    const { key, prefix } = made.body.data as { key: string; prefix: string };
    for (const secret of [key, prefix]) expect(found.map(textOf).join('')).not.toContain(secret);
  });

  test('an API key may do something else, or ends at another time; another name tells nothing', async () => {
    const user = await api.newUser();
    const path = `/v1/me/keys/${((await makeKey(user)).body.data as { id: string }).id}`;
    for (const body of [
      { name: 'renamed' },
      { permissions: ['session:create'] },
      { expiresAt: '2099-01-01T00:00:00Z' },
    ]) {
      expect((await api.call('PATCH', path, { token: user.token, body })).status).toBe(200);
    }
    expect(kindsOf(await noticesTo(user.email, 3))).toEqual(['api_key_changed', 'api_key_changed', 'api_key_made']);
  });

  test('an API key was revoked; a new password leaves keys as they are, and tells nothing of them', async () => {
    const user = await api.newUser();
    const [made] = [await makeKey(user), await makeKey(user)];
    const path = `/v1/me/keys/${(made.body.data as { id: string }).id}`;
    const revoked = await Promise.all([1, 2].map(() => api.call('DELETE', path, { token: user.token })));
    expect(revoked.map(({ status }) => status).toSorted()).toEqual([200, 404]);
    await call('POST', '/v1/me/password', user, { currentPassword: user.password, newPassword: password });
    const kinds = kindsOf(await noticesTo(user.email, 4));
    expect(kinds).toEqual(['api_key_made', 'api_key_made', 'api_key_revoked', 'password_changed']);
  });
});

test('a change waits for no mail, and what could not be told is told later (T4)', async () => {
  // Takes connections, and never says a word.
  const taken = new Set<Socket>();
  const silent = createServer((socket) => taken.add(socket.resume())).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  const connection = Connection.lazy({ address: `127.0.0.1:${address.port}` });
  const workflows = createWorkflowClient({ connection, namespace: 'any', waitMs: 8 * secondMs });
  const notices = createNotices({ ...api.resources, workflows });
  const cutOff = await startTestApi({ deps: { notices } });
  try {
    const [user, other] = [await api.newUser(), await api.newUser()];
    const body = { currentPassword: user.password, newPassword: password };
    expect((await cutOff.call('POST', '/v1/me/password', { token: user.token, body })).status).toBe(200);
    const isTrying = new Promise((resolve) =>
      setImmediate(() => {
        resolve(true);
      }),
    );
    expect(await Promise.race([notices.settled(), isTrying])).toBe(true);
    const em = api.resources.database.asService();
    expect(await em.find(AccountNotice, { user: user.id })).toMatchObject([
      { kind: 'password_changed', email: user.email },
    ]);
    await cutOff.call('POST', '/v1/me/password', {
      token: other.token,
      body: { ...body, currentPassword: other.password },
    });
    // As if that had been an hour ago: what is younger may still be under way.
    await em.nativeUpdate(AccountNotice, { user: other.id }, { at: new Date(Date.now() - hourMs) });
    await makeKey(user);
    expect(kindsOf(await noticesTo(user.email, 2))).toEqual(['api_key_made', 'password_changed']);
    expect(kindsOf(await noticesTo(other.email))).toEqual(['password_changed']);
    await until(async () => (await em.count(AccountNotice, { user: user.id })) === 0);
  } finally {
    await cutOff.close();
    await connection.close();
    for (const socket of taken) socket.destroy();
    silent.close();
  }
});
