import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createAccessTokens } from '../api/auth/accessTokens.ts';
import { dayMs, hourMs, minuteMs } from '../domain/time.ts';
import { alteredToken, goodClaims, ourSigningKey, signedToken } from '../tests/tokens.ts';
import { createLinks } from './links.ts';

let passedMs = 0;
const links = createLinks('a secret of the tests', () => Date.now() + passedMs);
const userId = randomUUID();
const about = 'ada@example.org';
const tokenOf = async (purpose: 'confirm_email' | 'reset_password') =>
  (await links.pathOf(purpose, { userId, about })).split('#')[1] ?? '';

describe('a link in a mail', () => {
  test('says whose it is and what it is about, to nobody but us', async () => {
    const path = await links.pathOf('confirm_email', { userId, about });
    expect(path.startsWith('/account/confirm#')).toBe(true);
    const [, payload = ''] = (await tokenOf('confirm_email')).split('.');
    expect(Buffer.from(payload, 'base64url').toString()).not.toContain('ada');
    const link = await links.read('confirm_email', await tokenOf('confirm_email'));
    expect(link?.userId).toBe(userId);
    expect(link?.isAbout(about)).toBe(true);
    expect(link?.isAbout('eve@example.org')).toBe(false);
  });

  test('is good for its purpose alone', async () => {
    expect(await links.read('reset_password', await tokenOf('confirm_email'))).toBeNull();
    expect(await links.read('confirm_email', await tokenOf('reset_password'))).toBeNull();
  });

  test('ends: a reset after an hour, a confirmation after three days', async () => {
    const [confirm, reset] = [await tokenOf('confirm_email'), await tokenOf('reset_password')];
    passedMs = hourMs + minuteMs;
    expect(await links.read('reset_password', reset)).toBeNull();
    expect(await links.read('confirm_email', confirm)).not.toBeNull();
    passedMs = 3 * dayMs + minuteMs;
    expect(await links.read('confirm_email', confirm)).toBeNull();
    passedMs = 0;
  });

  test('of another secret, changed, or none at all, is refused', async () => {
    const good = await tokenOf('confirm_email');
    const other = createLinks('another secret');
    expect(await other.read('confirm_email', good)).toBeNull();
    expect(await links.read('confirm_email', alteredToken(good, { sub: randomUUID() }))).toBeNull();
    expect(await links.read('confirm_email', 'nonsense')).toBeNull();
  });

  test('is no access token, and no access token is a link (G5)', async () => {
    const key = ourSigningKey();
    const tokens = await createAccessTokens([key]);
    await expect(tokens.verify(await tokenOf('confirm_email'))).rejects.toMatchObject({ code: 'unauthenticated' });
    const claims = {
      ...goodClaims(userId),
      aud: 'mindpeeker-links',
      purpose: 'confirm_email',
      about: links.hashOf(about),
    };
    for (const token of [await signedToken(key, goodClaims(userId)), await signedToken(key, claims)]) {
      expect(await links.read('confirm_email', token)).toBeNull();
    }
  });
});
