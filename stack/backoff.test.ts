import { describe, expect, test } from '@jest/globals';
import { Backoff } from './backoff.mjs';

describe('The delay before a dead process is started again', () => {
  test('begins at half a second and doubles up to thirty', () => {
    const backoff = new Backoff();
    expect(Array.from({ length: 9 }, () => backoff.next(0))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  test('begins anew after a minute of health, and not a moment before', () => {
    const backoff = new Backoff();
    backoff.next(0);
    backoff.next(0);
    expect(backoff.next(59_999)).toBe(2_000);
    expect(backoff.next(60_000)).toBe(500);
  });
});
