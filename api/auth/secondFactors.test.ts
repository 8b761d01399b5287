import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOTP } from 'otpauth';
import { readConfig } from '../../config.ts';
import { RecoveryCode, TotpSecret } from '../../db/totp.ts';
import { createLinks } from '../../integrations/links.ts';
import { createTotp } from '../../integrations/totp.ts';
import { startTestApi, type TestApi, type TestUser } from '../../tests/api.ts';
import { tryForLong } from '../../tests/signInAttempts.ts';
import { until } from '../../tests/until.ts';

let api: TestApi;
/** The clock of the codes: a test that needs another code lets thirty seconds pass. */
let nowMs = Date.now();
const nextStep = (): void => {
  nowMs += 30_000;
};

beforeAll(async () => {
  const totp = createTotp(readConfig().CONTENT_MASTER_KEYS, () => nowMs);
  // By a secret of its own it counts wrong attempts apart from every other test's, which come from this address too.
  api = await startTestApi({ deps: { totp, links: createLinks(randomUUID()) } });
});
afterAll(() => api.close());

const post = (path: string, body: object, token?: string) => api.call('POST', path, { body, token });
const codeOf = (secret: string): string => new TOTP({ secret }).generate({ timestamp: nowMs });
const logIn = ({ email, password }: TestUser) => post('/v1/auth/login', { email, password });
const second = (challenge: string, shown: object) => post('/v1/auth/login/second-factor', { challenge, ...shown });
const codeName = (answer: { body: { error?: { code: string } } }) => answer.body.error?.code;

interface Protected extends TestUser {
  secret: string;
  recoveryCodes: string[];
}

async function begin(user: TestUser) {
  const { body } = await post('/v1/me/totp', { currentPassword: user.password }, user.token);
  return body.data as { secret: string; otpauthUrl: string; qrSvg: string };
}

/** A user with the second factor on; the code that confirmed it belongs to a step that is over. */
async function newProtectedUser(): Promise<Protected> {
  const user = await api.newUser();
  const { secret } = await begin(user);
  const { body } = await post('/v1/me/totp/confirm', { code: codeOf(secret) }, user.token);
  const { recoveryCodes } = body.data as { recoveryCodes: string[] };
  nextStep();
  return { ...user, secret, recoveryCodes };
}

async function challengeOf(user: TestUser): Promise<string> {
  const { status, body } = await logIn(user);
  expect([status, body.error?.code]).toEqual([401, 'second_factor_required']);
  const detail = body.error?.details?.find(({ path }) => path === 'challenge');
  return detail?.message ?? '';
}

const anotherCode = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

describe('switching the second factor on (G5)', () => {
  test('takes the password, and a code of the app; until then the password is enough', async () => {
    const user = await api.newUser();
    const wrong = await post('/v1/me/totp', { currentPassword: 'wrong' }, user.token);
    expect(codeName(wrong)).toBe('wrong_password');
    const { secret, otpauthUrl } = await begin(user);
    expect(otpauthUrl).toContain(secret);
    expect((await logIn(user)).status).toBe(200);
    const refused = await post('/v1/me/totp/confirm', { code: anotherCode(codeOf(secret)) }, user.token);
    expect(codeName(refused)).toBe('wrong_code');
    expect((await logIn(user)).status).toBe(200);
    expect((await post('/v1/me/totp/confirm', { code: codeOf(secret) }, user.token)).status).toBe(200);
    await challengeOf(user);
    const again = await post('/v1/me/totp', { currentPassword: user.password }, user.token);
    expect(codeName(again)).toBe('totp_active');
  });

  test('begun twice, only the newer secret counts', async () => {
    const user = await api.newUser();
    const [older, newer] = [await begin(user), await begin(user)];
    expect(codeName(await post('/v1/me/totp/confirm', { code: codeOf(older.secret) }, user.token))).toBe('wrong_code');
    expect((await post('/v1/me/totp/confirm', { code: codeOf(newer.secret) }, user.token)).status).toBe(200);
  });

  test('confirmed by several requests at once, one set of recovery codes is handed out', async () => {
    const user = await api.newUser();
    const { secret } = await begin(user);
    const confirm = () => post('/v1/me/totp/confirm', { code: codeOf(secret) }, user.token);
    const answers = await Promise.all([confirm(), confirm(), confirm()]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
    const state = await api.call('GET', '/v1/me/totp', { token: user.token });
    expect(state.body.data).toEqual({ active: true, recoveryCodesLeft: 10 });
  });

  test('keeps neither the secret nor a recovery code as its owner has it (I5)', async () => {
    const { id, secret, recoveryCodes } = await newProtectedUser();
    const em = api.resources.database.asService();
    const { secret: sealed } = await em.findOneOrFail(TotpSecret, { user: id });
    const kept = JSON.stringify(await em.find(RecoveryCode, { user: id })) + Buffer.from(sealed).toString('latin1');
    const bytes = Buffer.from(new TOTP({ secret }).secret.bytes).toString('latin1');
    for (const text of [secret, bytes, ...recoveryCodes]) expect(kept).not.toContain(text);
    expect(new Set(recoveryCodes).size).toBe(10);
  });

  test('the gateway, working for a user, may read neither table (I5)', async () => {
    const { id } = await newProtectedUser();
    const em = () => api.resources.database.asUser(id);
    await expect(em().count(TotpSecret)).rejects.toThrow(/permission denied/);
    await expect(em().count(RecoveryCode)).rejects.toThrow(/permission denied/);
  });
});

describe('signing in with the second factor on (G5)', () => {
  test('gives no token for the password alone, and tokens for the code that follows', async () => {
    const user = await newProtectedUser();
    const { text } = await logIn(user);
    expect(text).not.toMatch(/accessToken|refreshToken/);
    const { status, body } = await second(await challengeOf(user), { code: codeOf(user.secret) });
    expect(status).toBe(200);
    const { accessToken } = body.data as { accessToken: string };
    expect((await api.call('GET', '/v1/me', { token: accessToken })).status).toBe(200);
  });

  test('a challenge opens nothing else', async () => {
    const user = await newProtectedUser();
    const challenge = await challengeOf(user);
    expect((await api.call('GET', '/v1/me', { token: challenge })).status).toBe(401);
    expect((await post('/v1/auth/refresh', { refreshToken: challenge.slice(0, 200) })).status).toBe(401);
    const reset = await post('/v1/auth/password/reset', { token: challenge, newPassword: 'quite another password' });
    expect(codeName(reset)).toBe('link_invalid');
  });

  test('a code is good once, also for many at the same time, and an older one is not taken after a newer', async () => {
    const user = await newProtectedUser();
    const challenge = await challengeOf(user);
    const older = codeOf(user.secret);
    nextStep();
    const code = codeOf(user.secret);
    const answers = await Promise.all([1, 2, 3].map(() => second(challenge, { code })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403, 403]);
    expect(codeName(await second(challenge, { code: older }))).toBe('wrong_code');
  });

  test('the code that switched it on is used up', async () => {
    const user = await api.newUser();
    const { secret } = await begin(user);
    const code = codeOf(secret);
    await post('/v1/me/totp/confirm', { code }, user.token);
    expect(codeName(await second(await challengeOf(user), { code }))).toBe('wrong_code');
  });

  test('a recovery code lets its owner in once, however it is typed', async () => {
    const user = await newProtectedUser();
    const [recoveryCode = ''] = user.recoveryCodes;
    const typed = recoveryCode.toLowerCase().replaceAll('-', ' ');
    const challenge = await challengeOf(user);
    expect((await second(challenge, { recoveryCode: typed })).status).toBe(200);
    expect(codeName(await second(challenge, { recoveryCode }))).toBe('wrong_code');
    const state = await api.call('GET', '/v1/me/totp', { token: user.token });
    expect(state.body.data).toEqual({ active: true, recoveryCodesLeft: 9 });
  });

  test('somebody else’s code or recovery code opens nothing', async () => {
    const [user, other] = [await newProtectedUser(), await newProtectedUser()];
    const challenge = await challengeOf(user);
    expect(codeName(await second(challenge, { code: codeOf(other.secret) }))).toBe('wrong_code');
    const [recoveryCode = ''] = other.recoveryCodes;
    expect(codeName(await second(challenge, { recoveryCode }))).toBe('wrong_code');
  });

  test('codes cannot be tried without end, and a right password between them does not help', async () => {
    const user = await newProtectedUser();
    const tryOne = async () =>
      codeName(await second(await challengeOf(user), { code: anotherCode(codeOf(user.secret)) }));
    for (let attempt = 0; attempt < 5; attempt += 1) expect(await tryOne()).toBe('wrong_code');
    await until(tryOne, (name) => name === 'too_many_attempts');
    await tryForLong(api, `second factor of ${user.email}`);
    const right = await second(await challengeOf(user), { code: codeOf(user.secret) });
    expect(codeName(right)).toBe('too_many_attempts');
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('a challenge that is none, or whose password was changed since, is over', async () => {
    const user = await newProtectedUser();
    const challenge = await challengeOf(user);
    const newPassword = 'quite another password';
    await post('/v1/me/password', { currentPassword: user.password, newPassword }, user.token);
    for (const token of [challenge, 'nonsense', user.token]) {
      expect(codeName(await second(token, { code: codeOf(user.secret) }))).toBe('challenge_expired');
    }
  });

  test.each([{}, { code: '12345' }, { code: '123456', recoveryCode: 'A'.repeat(16) }, { code: 123_456 }])(
    'refuses %j as no second factor',
    async (shown) => {
      expect((await second('any', shown)).status).toBe(400);
    },
  );
});

describe('switching the second factor off (G5)', () => {
  test('takes a code or a recovery code; then the password is enough, and no recovery code is left', async () => {
    for (const shownBy of ['code', 'recoveryCode'] as const) {
      const user = await newProtectedUser();
      const remove = (body: object) => api.call('DELETE', '/v1/me/totp', { token: user.token, body });
      expect(codeName(await remove({ code: anotherCode(codeOf(user.secret)) }))).toBe('wrong_code');
      const [recoveryCode = ''] = user.recoveryCodes;
      const shown = { code: { code: codeOf(user.secret) }, recoveryCode: { recoveryCode } }[shownBy];
      expect((await remove(shown)).status).toBe(200);
      expect((await logIn(user)).status).toBe(200);
      const state = await api.call('GET', '/v1/me/totp', { token: user.token });
      expect(state.body.data).toEqual({ active: false, recoveryCodesLeft: 0 });
      expect((await remove(shown)).status).toBe(404);
    }
  });
});
