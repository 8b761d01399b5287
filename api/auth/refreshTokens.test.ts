import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '../../db/database.ts';
import { RefreshToken } from '../../db/entities.ts';
import { dayMs, secondMs } from '../../domain/time.ts';
import { newUser, openTestDatabase } from '../../tests/database.ts';
import { createRefreshTokens, type RefreshTokens } from './refreshTokens.ts';

let database: Database;
let userId: string;
let tokens: RefreshTokens;
let passedMs = 0;

beforeAll(async () => {
  database = openTestDatabase();
  userId = (await newUser(database)).id;
  tokens = createRefreshTokens(database, () => Date.now() + passedMs);
});
afterAll(() => database.close());

const refused = { code: 'unauthenticated' };

describe('refresh tokens (G5)', () => {
  test('are stored hashed alone', async () => {
    const { refreshToken: token } = await tokens.issue(userId);
    const rows = await database.asService().find(RefreshToken, { user: userId });
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('rotate: each gives the next one', async () => {
    const { refreshToken: first } = await tokens.issue(userId);
    const second = await tokens.rotate(first);
    expect(second.userId).toBe(userId);
    const third = await tokens.rotate(second.refreshToken);
    expect(new Set([first, second.refreshToken, third.refreshToken]).size).toBe(3);
  });

  test('one that comes again within ten seconds is answered afresh, since the first answer may be lost', async () => {
    const { refreshToken: token } = await tokens.issue(userId);
    await tokens.rotate(token);
    passedMs += 9 * secondMs;
    const again = await tokens.rotate(token);
    await expect(tokens.rotate(again.refreshToken)).resolves.toMatchObject({ userId });
  });

  test('one that comes again later ends its whole family, and no other', async () => {
    const { refreshToken: bystander } = await tokens.issue(userId);
    const { refreshToken: token } = await tokens.issue(userId);
    const { refreshToken: next } = await tokens.rotate(token);
    passedMs += 11 * secondMs;
    await expect(tokens.rotate(token)).rejects.toMatchObject(refused);
    await expect(tokens.rotate(next)).rejects.toMatchObject(refused);
    await expect(tokens.rotate(bystander)).resolves.toMatchObject({ userId });
  });

  test('a stolen token and the owner’s next one, used at once, leave nothing of the family alive', async () => {
    const { refreshToken: token } = await tokens.issue(userId);
    const { refreshToken: next } = await tokens.rotate(token);
    passedMs += 11 * secondMs;
    const outcomes = await Promise.allSettled([tokens.rotate(token), tokens.rotate(next)]);
    const alive = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.refreshToken] : []));
    for (const survivor of [next, ...alive]) await expect(tokens.rotate(survivor)).rejects.toMatchObject(refused);
  });

  test('end after thirty days', async () => {
    const { refreshToken: token } = await tokens.issue(userId);
    passedMs += 30 * dayMs;
    await expect(tokens.rotate(token)).rejects.toMatchObject(refused);
  });

  test('of a log-in that was ended are refused; an unknown one is too', async () => {
    const { refreshToken: token } = await tokens.issue(userId);
    await tokens.revoke(token);
    await expect(tokens.rotate(token)).rejects.toMatchObject(refused);
    await expect(tokens.rotate('unknown')).rejects.toMatchObject(refused);
  });
});
