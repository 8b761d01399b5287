import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { parseMasterKeys } from './encryption.ts';

describe('The list of master keys', () => {
  const written = (key: Buffer) => key.toString('base64');

  test('gives them in order', () => {
    const [one, other] = [randomBytes(32), randomBytes(32)];
    expect(parseMasterKeys(`k2:${written(one)}, k1:${written(other)}`)).toEqual([
      { id: 'k2', key: one },
      { id: 'k1', key: other },
    ]);
  });

  test.each([
    ['nothing', ''],
    ['a key without an id', written(randomBytes(32))],
    ['a key of 16 bytes', `k:${written(randomBytes(16))}`],
    ['an id with a space', `k k:${written(randomBytes(32))}`],
    ['a comma at the end', `k:${written(randomBytes(32))},`],
  ])('refuses %s without repeating it', (_what, text) => {
    expect(() => parseMasterKeys(text)).toThrow(/^Master key [12] must be written as id:base64 of 32 bytes\.$/);
  });

  test('refuses two keys of one id', () => {
    const key = written(randomBytes(32));
    expect(() => parseMasterKeys(`k:${key},k:${key}`)).toThrow('same id');
  });
});
