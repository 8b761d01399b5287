import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOTP } from 'otpauth';
import { requestErasure } from '../../db/accountErasures.ts';
import { findAccount } from '../../db/accounts.ts';
import { confirmEmail } from '../../db/accountStates.ts';
import { listPasskeys } from '../../db/passkeys.ts';
import { listEndpoints } from '../../db/webhooks.ts';
import { createLinks } from '../../integrations/links.ts';
import { startTestApi, type TestApi, type TestUser } from '../../tests/api.ts';
import { makePasskey, signWith, type Asked, type Passkey } from '../../tests/authenticator.ts';
import { createLine } from '../../tests/line.ts';

const origin = 'https://app.example.com';
const rpId = 'app.example.com';
const refused = [403, 'passkey_refused'];

let api: TestApi;
beforeAll(async () => {
  // By a secret of its own it counts wrong attempts apart from every other test's, which come from this address too.
  api = await startTestApi({ changes: { PUBLIC_URL: origin }, deps: { links: createLinks(randomUUID()) } });
});
afterAll(() => api.close());

const post = (path: string, body?: object, token?: string) => api.call('POST', path, { body, token });
type Answer = Awaited<ReturnType<typeof post>>;
const outcome = ({ status, body }: Answer) => [status, body.error?.code];

async function registrationOptions(user: TestUser) {
  const { body } = await post('/v1/me/passkeys/options', { currentPassword: user.password }, user.token);
  return body.data as {
    challenge: string;
    rp: { id: string };
    user: { id: string };
    excludeCredentials: { id: string }[];
    authenticatorSelection: object;
  };
}

const add = (user: TestUser, credential: object, label = 'My telephone') =>
  post('/v1/me/passkeys', { label, credential }, user.token);

/** A user with a passkey that was added. */
async function newOwner(): Promise<{ user: TestUser; passkey: Passkey; id: string }> {
  const user = await api.newUser();
  const { challenge, user: named } = await registrationOptions(user);
  const { passkey, credential } = makePasskey({ challenge, rpId, origin }, named.id);
  const { status, body } = await add(user, credential);
  expect(status).toBe(201);
  return { user, passkey, id: (body.data as { id: string }).id };
}

async function asked(change: Partial<Asked> = {}): Promise<Asked> {
  const { body } = await post('/v1/auth/passkey/options');
  const { challenge } = body.data as { challenge: string };
  return { challenge, rpId, origin, ...change };
}

const verify = (credential: object) => post('/v1/auth/passkey/verify', { credential });
const list = async (user: TestUser) =>
  ((await api.call('GET', '/v1/me/passkeys', { token: user.token })).body.data as { items: { id: string }[] }).items;

describe('adding a passkey (G5)', () => {
  test('takes the password; the device has to check its owner, and is told which passkeys are there', async () => {
    const { user, passkey } = await newOwner();
    const wrong = await post('/v1/me/passkeys/options', { currentPassword: 'wrong' }, user.token);
    expect(outcome(wrong)).toEqual([403, 'wrong_password']);
    const options = await registrationOptions(user);
    expect(options.rp.id).toBe(rpId);
    expect(options.authenticatorSelection).toMatchObject({ residentKey: 'required', userVerification: 'required' });
    expect(options.excludeCredentials.map(({ id }) => id)).toEqual([passkey.id]);
    expect(Buffer.from(options.user.id, 'base64url').toString()).not.toContain(user.email);
  });

  test('refuses another origin, another site, and a device that has not checked its owner', async () => {
    const user = await api.newUser();
    const cases = [
      [{ origin: 'https://app.example.com.evil.test' }, {}],
      [{ origin: 'http://app.example.com' }, {}],
      [{ rpId: 'example.com' }, {}],
      [{}, { userVerified: false }],
    ] as const;
    for (const [change, flags] of cases) {
      const { challenge, user: named } = await registrationOptions(user);
      const { credential } = makePasskey({ challenge, rpId, origin, ...change }, named.id, flags);
      expect(outcome(await add(user, credential))).toEqual(refused);
    }
    expect(await list(user)).toEqual([]);
  });

  test('refuses a challenge that comes again, is another person’s, was made for a log-in, or was never made', async () => {
    const { user } = await newOwner();
    const other = await api.newUser();
    const { challenge, user: named } = await registrationOptions(user);
    const theirs = await registrationOptions(other);
    const make = (with_: string) => makePasskey({ challenge: with_, rpId, origin }, named.id).credential;
    expect((await add(user, make(challenge))).status).toBe(201);
    const never = Buffer.alloc(32, 7).toString('base64url');
    for (const wrong of [challenge, theirs.challenge, (await asked()).challenge, never]) {
      expect(outcome(await add(user, make(wrong)))).toEqual(refused);
    }
  });

  test('refuses one that somebody has registered already', async () => {
    const [user, other] = [await api.newUser(), await api.newUser()];
    const [first, second] = [await registrationOptions(user), await registrationOptions(other)];
    const { credential } = makePasskey({ challenge: first.challenge, rpId, origin }, first.user.id);
    expect((await add(user, credential)).status).toBe(201);
    const clientData = { type: 'webauthn.create', challenge: second.challenge, origin, crossOrigin: false };
    const clientDataJSON = Buffer.from(JSON.stringify(clientData)).toString('base64url');
    const copied = { ...credential, response: { ...credential.response, clientDataJSON } };
    expect(outcome(await add(other, copied))).toEqual([409, 'passkey_taken']);
  });

  test.each(['', 'AAAA', 'bm90IGNib3I', '!!!'])(
    'refuses %j as what a device says, without falling over',
    async (text) => {
      const user = await api.newUser();
      const { challenge, user: named } = await registrationOptions(user);
      const { credential } = makePasskey({ challenge, rpId, origin }, named.id);
      const broken = { ...credential, response: { ...credential.response, attestationObject: text } };
      const { status } = await add(user, broken);
      expect([400, 403]).toContain(status);
    },
  );
});

describe('signing in by a passkey (G5)', () => {
  test('needs neither e-mail nor password, also with the second factor on, and answers tokens that work', async () => {
    const { user, passkey } = await newOwner();
    const begun = await post('/v1/me/totp', { currentPassword: user.password }, user.token);
    const code = new TOTP({ secret: (begun.body.data as { secret: string }).secret }).generate();
    expect((await post('/v1/me/totp/confirm', { code }, user.token)).status).toBe(200);
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await verify(signWith(passkey, await asked()));
      expect(status).toBe(200);
      const data = body.data as { accessToken: string; user: { id: string } };
      expect(data.user.id).toBe(user.id);
      expect((await api.call('GET', '/v1/me', { token: data.accessToken })).status).toBe(200);
    }
  });

  test('tells nothing before: the options name no passkey', async () => {
    const { body } = await post('/v1/auth/passkey/options');
    expect(body.data).toMatchObject({ rpId, userVerification: 'required' });
    expect((body.data as { allowCredentials?: object[] }).allowCredentials ?? []).toEqual([]);
  });

  test('refuses another origin, another site, and a device that has not checked its owner', async () => {
    const { passkey } = await newOwner();
    const signed = [
      signWith(passkey, await asked({ origin: 'https://evil.test' })),
      signWith(passkey, await asked({ rpId: 'evil.test' })),
      signWith(passkey, await asked(), { userVerified: false }),
    ];
    for (const credential of signed) expect(outcome(await verify(credential))).toEqual(refused);
  });

  test('a challenge is good once, also for many at the same time, and none that was made for registering', async () => {
    const { user, passkey } = await newOwner();
    const with_ = await asked();
    const credentials = [signWith(passkey, with_), signWith(passkey, with_), signWith(passkey, with_)];
    const answers = await Promise.all(credentials.map(verify));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403, 403]);
    const { challenge } = await registrationOptions(user);
    expect(outcome(await verify(signWith(passkey, { challenge, rpId, origin })))).toEqual(refused);
  });

  test('a counter that does not grow is a copy’s, and is refused', async () => {
    const { passkey } = await newOwner();
    const copy = { ...passkey };
    for (let time = 0; time < 3; time += 1) expect((await verify(signWith(passkey, await asked()))).status).toBe(200);
    expect(outcome(await verify(signWith(copy, await asked())))).toEqual(refused);
    copy.counter = passkey.counter - 1;
    expect(outcome(await verify(signWith(copy, await asked())))).toEqual(refused);
    expect((await verify(signWith(passkey, await asked()))).status).toBe(200);
  });

  test('a copy that signs at the same moment does not get in beside its original', async () => {
    const { passkey } = await newOwner();
    const copy = { ...passkey };
    const credentials = [signWith(passkey, await asked()), signWith(copy, await asked())];
    const answers = await Promise.all(credentials.map(verify));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403]);
  });

  test('somebody else’s passkey does not open an account, whatever it calls itself', async () => {
    const [victim, thief] = [await newOwner(), await newOwner()];
    const pretended = [
      { ...thief.passkey, id: victim.passkey.id, userHandle: victim.passkey.userHandle },
      { ...thief.passkey, userHandle: victim.passkey.userHandle },
      { ...victim.passkey, userHandle: thief.passkey.userHandle },
      { ...thief.passkey, id: Buffer.alloc(32, 9).toString('base64url') },
    ];
    for (const passkey of pretended) expect(outcome(await verify(signWith(passkey, await asked())))).toEqual(refused);
  });

  test('what was signed cannot be changed afterwards', async () => {
    const { passkey } = await newOwner();
    const credential = signWith(passkey, await asked());
    const data = Buffer.from(credential.response.authenticatorData, 'base64url');
    data.writeUInt32BE(99, 33);
    const response = { ...credential.response, authenticatorData: data.toString('base64url') };
    expect(outcome(await verify({ ...credential, response }))).toEqual(refused);
  });

  test('nobody signs in to an account whose erasure was asked for', async () => {
    const { user, passkey, id } = await newOwner();
    const em = api.resources.database.asService();
    const account = await findAccount(em, { id: user.id });
    if (account === null) throw new Error('The account is gone');
    await requestErasure(em, account, id);
    expect(outcome(await verify(signWith(passkey, await asked())))).toEqual(refused);
  });
});

describe('the passkeys of a person (G5)', () => {
  test('are listed and renamed without their keys, and one that is deleted opens nothing any more', async () => {
    const { user, passkey, id } = await newOwner();
    const label = 'The key on my ring';
    const renamed = await api.call('PATCH', `/v1/me/passkeys/${id}`, { token: user.token, body: { label } });
    expect(renamed.body.data).toMatchObject({ id, label, backedUp: false, lastUsedAt: null });
    expect(await list(user)).toEqual([renamed.body.data]);
    await verify(signWith(passkey, await asked()));
    expect((await list(user))[0]).toMatchObject({ lastUsedAt: expect.any(String) });
    const remove = () => api.call('DELETE', `/v1/me/passkeys/${id}`, { token: user.token });
    expect((await remove()).status).toBe(200);
    expect((await remove()).status).toBe(404);
    expect(outcome(await verify(signWith(passkey, await asked())))).toEqual(refused);
  });

  test('of somebody else cannot be touched, nor told from one that never was', async () => {
    const { user, id } = await newOwner();
    const stranger = await api.newUser();
    const token = stranger.token;
    expect((await api.call('PATCH', `/v1/me/passkeys/${id}`, { token, body: { label: 'Mine' } })).status).toBe(404);
    expect((await api.call('DELETE', `/v1/me/passkeys/${id}`, { token })).status).toBe(404);
    expect(await list(stranger)).toEqual([]);
    expect(await list(user)).toMatchObject([{ id, label: 'My telephone' }]);
    expect(await listPasskeys(api.resources.database.asUser(stranger.id))).toEqual([]);
  });

  test.each(['', '   ', 'a\nb', 'a\u0000b', 'x'.repeat(101)])('are not called %j', async (label) => {
    const { user, id } = await newOwner();
    const { status } = await api.call('PATCH', `/v1/me/passkeys/${id}`, { token: user.token, body: { label } });
    expect(status).toBe(400);
  });

  test('are at most twenty', async () => {
    const user = await api.newUser();
    const statuses: number[] = [];
    const { database } = api.resources;
    const { challenge, user: named } = await registrationOptions(user);
    const { credential } = makePasskey({ challenge, rpId, origin }, named.id);
    await add(user, credential);
    await database.asService().execute(
      `insert into passkeys (id, user_id, credential_id, public_key, counter, transports, backed_up, label)
       select gen_random_uuid(), user_id, credential_id || n, public_key, 0, '[]', false, 'Another'
       from passkeys, generate_series(1, 18) as n where user_id = :id`,
      { id: user.id },
    );
    const more = [await registrationOptions(user), await registrationOptions(user)].map(
      (options) => makePasskey({ challenge: options.challenge, rpId, origin }, named.id).credential,
    );
    for (const answer of await Promise.all(more.map((credential) => add(user, credential))))
      statuses.push(answer.status);
    expect(statuses.toSorted()).toEqual([201, 409]);
  });
});

test('without Redis nobody signs in by a passkey, and is told to come back (C1)', async () => {
  const line = createLine(process.env.REDIS_URL ?? '');
  const { url } = await line.mend();
  const cut = await startTestApi({ changes: { PUBLIC_URL: origin, REDIS_URL: url } });
  await line.cut();
  const answer = await cut.call('POST', '/v1/auth/passkey/options');
  expect(outcome(answer)).toEqual([503, 'temporarily_unavailable']);
  await cut.close();
});

test.each([
  ['never confirmed leaves no way in of whoever registered it before its owner', false],
  ['confirmed leaves the other ways in as they are', true],
])('a password that is set by a link on an account whose e-mail was %s (G5, I5)', async (_, isConfirmed) => {
  const { user, passkey } = await newOwner();
  const made = await post('/v1/me/keys', { name: 'script', permissions: ['session:read'] }, user.token);
  const { key } = made.body.data as { key: string };
  await post('/v1/webhooks', { url: 'https://example.com/hook', events: ['session.completed'] }, user.token);
  const begun = await post('/v1/me/totp', { currentPassword: user.password }, user.token);
  const { secret } = begun.body.data as { secret: string };
  await post('/v1/me/totp/confirm', { code: new TOTP({ secret }).generate() }, user.token);
  const { id: userId } = user;
  const em = api.resources.database.asService();
  if (isConfirmed) await confirmEmail(em, userId);

  const about = (await findAccount(em, { id: userId }))?.passwordHash ?? '';
  const token = await api.deps.links.tokenOf('reset_password', { userId, about });
  const password = randomUUID();
  expect((await post('/v1/auth/password/reset', { token, newPassword: password })).status).toBe(200);

  const byPasskey = await verify(signWith(passkey, await asked()));
  const byKey = await api.call('GET', '/v1/sessions', { headers: { 'X-API-Key': key } });
  const byPassword = await post('/v1/auth/login', { email: user.email, password });
  const webhooks = await listEndpoints(api.resources.database.asUser(userId));
  expect([byPasskey.status, byKey.status, byPassword.status, webhooks.length]).toEqual(
    isConfirmed ? [200, 200, 401, 1] : [403, 401, 200, 0],
  );
});
