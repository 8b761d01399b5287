import { hash, verify } from '@node-rs/argon2';
import { describe, expect, jest, test } from '@jest/globals';

const verified = jest.fn(verify);
jest.unstable_mockModule('@node-rs/argon2', () => ({ hash, verify: verified }));
const { hashPassword, isOutdated, isPassword } = await import('./passwords.ts');
const { requireGoodPassword } = await import('./passwordRules.ts');

describe('a password', () => {
  test('is Argon2id, by parameters of OWASP’s list', async () => {
    expect(await hashPassword('correct horse battery')).toMatch(/^\$argon2id\$v=19\$m=7168,t=5,p=1\$/);
  });

  test('is held against exactly one hash of today’s cost, whether there is an account or not', async () => {
    const good = await hashPassword('correct horse battery');
    for (const [passwordHash, password, expected] of [
      [good, 'correct horse battery', true],
      [good, 'wrong', false],
      [null, 'wrong', false],
    ] as const) {
      verified.mockClear();
      expect(await isPassword(passwordHash, password)).toBe(expected);
      expect(verified).toHaveBeenCalledTimes(1);
      expect(isOutdated(String(verified.mock.calls[0]?.[0]))).toBe(false);
    }
  });

  test('of before, by other parameters, still opens, and is known as outdated', async () => {
    const old = await hash('correct horse battery', { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    expect(await isPassword(old, 'correct horse battery')).toBe(true);
    expect(isOutdated(old)).toBe(true);
  });

  const owner = { email: 'ada.lovelace@example.org', username: 'countess' };
  test.each([
    'passwordpassword',
    'qwertyuiop12',
    '123456789012',
    'aaaaaaaaaaaa',
    'ada.lovelace@example.org',
    'countess2026',
  ])('that anybody would try first is refused: %s', (password) => {
    expect(() => {
      requireGoodPassword(password, 'password', owner);
    }).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  });

  test.each(['correct horse battery', 'x7$kQ2-vb9!mZ', 'grüne Wolken im Keller'])('is taken: %s', (password) => {
    expect(() => {
      requireGoodPassword(password, 'password', owner);
    }).not.toThrow();
  });
});
