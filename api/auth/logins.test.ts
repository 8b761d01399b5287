import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../db/database.ts';
import { endLogins, isLoginEnded, listLogins, RefreshToken } from '../../db/logins.ts';
import { User } from '../../db/users.ts';
import { dayMs, secondMs } from '../../domain/time.ts';
import { newUser, openTestDatabase } from '../../tests/database.ts';
import { createLogins, type Logins } from './logins.ts';

let database: Database;
let userId: string;
let logins: Logins;
let revoked: string[];
/** The clock of log-ins: it stands, and a test lets time pass. */
let nowMs = Date.now();

beforeAll(async () => {
  database = openTestDatabase();
  userId = (await newUser(database)).id;
  const revocations = {
    revoke: (ids: readonly string[]) => Promise.resolve(void revoked.push(...ids)),
  };
  logins = createLogins({ database, revocations }, () => nowMs);
});
afterAll(() => database.close());
beforeEach(() => {
  revoked = [];
});

async function begin() {
  const login = await logins.begin({ userId, agent: null });
  if (login === null) throw new Error('the user is there');
  return login;
}

const refused = { code: 'unauthenticated' };

describe('refresh tokens (G5)', () => {
  test('are stored hashed alone', async () => {
    const { refreshToken: token, loginId } = await begin();
    const rows = await database.asService().find(RefreshToken, { login: loginId });
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('rotate: each gives the next one', async () => {
    const { refreshToken: first } = await begin();
    const second = await logins.rotate(first);
    expect(second.userId).toBe(userId);
    const third = await logins.rotate(second.refreshToken);
    expect(new Set([first, second.refreshToken, third.refreshToken]).size).toBe(3);
  });

  test('one that comes again within ten seconds is answered afresh, since the first answer may be lost', async () => {
    const { refreshToken: token } = await begin();
    await logins.rotate(token);
    nowMs += 9 * secondMs;
    const again = await logins.rotate(token);
    await expect(logins.rotate(again.refreshToken)).resolves.toMatchObject({ userId });
  });

  test('one that comes again later ends its whole log-in, and no other', async () => {
    const { refreshToken: bystander } = await begin();
    const { refreshToken: token, loginId } = await begin();
    const { refreshToken: next } = await logins.rotate(token);
    nowMs += 11 * secondMs;
    await expect(logins.rotate(token)).rejects.toMatchObject(refused);
    expect(revoked).toEqual([loginId]);
    await expect(logins.rotate(next)).rejects.toMatchObject(refused);
    await expect(logins.rotate(bystander)).resolves.toMatchObject({ userId });
  });

  test('a stolen token and the owner’s next one, used at once, leave nothing of the log-in alive', async () => {
    const { refreshToken: token } = await begin();
    const { refreshToken: next } = await logins.rotate(token);
    nowMs += 11 * secondMs;
    const outcomes = await Promise.allSettled([logins.rotate(token), logins.rotate(next)]);
    const alive = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.refreshToken] : []));
    for (const survivor of [next, ...alive]) await expect(logins.rotate(survivor)).rejects.toMatchObject(refused);
  });

  test('end after thirty days', async () => {
    const { refreshToken: token } = await begin();
    nowMs += 30 * dayMs;
    await expect(logins.rotate(token)).rejects.toMatchObject(refused);
  });

  test('used at once by many are answered each, and the log-in goes on', async () => {
    const { refreshToken: token } = await begin();
    const answers = await Promise.all(Array.from({ length: 8 }, () => logins.rotate(token)));
    expect(new Set(answers.map(({ refreshToken }) => refreshToken)).size).toBe(8);
    for (const { refreshToken } of answers)
      await expect(logins.rotate(refreshToken)).resolves.toMatchObject({ userId });
  });

  test('of a log-in that was ended are refused; an unknown one is too', async () => {
    const { refreshToken: token, loginId } = await begin();
    await logins.endOfToken(token);
    expect(revoked).toEqual([loginId]);
    await expect(logins.rotate(token)).rejects.toMatchObject(refused);
    await expect(logins.rotate('unknown')).rejects.toMatchObject(refused);
  });
});

describe('log-ins', () => {
  test('by a password that was replaced since it was checked are refused', async () => {
    const em = database.asService();
    const { id, passwordHash } = await newUser(database);
    await expect(logins.begin({ userId: id, passwordHash, agent: null })).resolves.toMatchObject({});
    await em.nativeUpdate(User, id, { passwordHash: 'another' });
    expect(await logins.begin({ userId: id, passwordHash, agent: null })).toBeNull();
    expect(await logins.begin({ userId: randomUUID(), agent: null })).toBeNull();
  });

  test('all end but the one that is spared, and each is told once', async () => {
    const { id } = await newUser(database);
    const begun = await Promise.all([1, 2, 3].map(() => logins.begin({ userId: id, agent: 'Firefox on Linux' })));
    const ids = begun.map((login) => login?.loginId ?? '');
    expect(await logins.end({ userId: id, spare: ids[0] ?? '' })).toBe(2);
    expect(revoked.toSorted()).toEqual(ids.slice(1).toSorted());
    expect((await listLogins(database.asUser(id), new Date())).map((login) => login.id)).toEqual(ids.slice(0, 1));
    expect(await logins.end({ userId: id })).toBe(1);
    expect(await logins.end({ userId: id })).toBe(0);
  });

  test('of somebody else are neither seen nor ended (I5)', async () => {
    const { loginId } = await begin();
    const stranger = await newUser(database);
    const em = () => database.asUser(stranger.id);
    expect(await listLogins(em(), new Date())).toEqual([]);
    expect(await logins.end({ userId: stranger.id, loginId })).toBe(0);
    expect(await endLogins(em(), { userId, loginId }, new Date())).toEqual([]);
    expect(await isLoginEnded(database.asService(), { userId, loginId })).toBe(false);
  });

  test('of an account that is gone have ended', async () => {
    expect(await isLoginEnded(database.asService(), { userId: randomUUID(), loginId: randomUUID() })).toBe(true);
  });
});
