import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { TOTP, URI } from 'otpauth';
import { seal } from './sealing.ts';
import { createTotp } from './totp.ts';

const masterKeys = [{ id: 'test', key: randomBytes(32) }];
const userId = randomUUID();

describe('codes of an authenticator app (G5)', () => {
  // RFC 6238, appendix B, SHA-1: the last six of its eight digits.
  test.each([
    [59, '287082', 1],
    [1_111_111_109, '081804', 37_037_036],
    [1_234_567_890, '005924', 41_152_263],
    [20_000_000_000, '353130', 666_666_666],
  ])('are those of RFC 6238 at %i seconds', async (seconds, code, step) => {
    const sealed = await seal(Buffer.from('12345678901234567890'), `totp-secret/${userId}`, masterKeys);
    const totp = createTotp(masterKeys, () => seconds * 1_000);
    expect(await totp.stepOf(userId, sealed, code)).toBe(step);
  });

  test('are good for their own step and its neighbours, and for no other', async () => {
    let nowMs = 1_800_000_000_000;
    const totp = createTotp(masterKeys, () => nowMs);
    const { secret, sealed } = await totp.make({ id: userId, email: 'ada@example.org' });
    const step = Math.floor(nowMs / 30_000);
    const code = new TOTP({ secret }).generate({ timestamp: nowMs });
    const around = [];
    for (const away of [-2, -1, 0, 1, 2]) {
      nowMs = (step + away) * 30_000;
      around.push(await totp.stepOf(userId, sealed, code));
    }
    expect(around).toEqual([null, step, step, step, null]);
  });

  test('come from a secret that the image and its address hold, and that only its account opens', async () => {
    const totp = createTotp(masterKeys);
    const { secret, otpauthUrl, qrSvg, sealed } = await totp.make({ id: userId, email: 'ada@example.org' });
    const read = URI.parse(otpauthUrl);
    expect(read).toMatchObject({ issuer: 'MindPeeker', label: 'ada@example.org', algorithm: 'SHA1', digits: 6 });
    expect(read.secret.base32).toBe(secret);
    expect(Buffer.from(sealed).toString('latin1')).not.toContain(Buffer.from(read.secret.bytes).toString('latin1'));
    expect(qrSvg).toMatch(/^<svg.*<\/svg>$/s);
    await expect(totp.stepOf(randomUUID(), sealed, '000000')).rejects.toThrow(/another name/);
  });
});
