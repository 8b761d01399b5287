import { expect, test } from '@jest/globals';
import { dayMs } from './time.ts';
import { retryDelayMs } from './webhooks.ts';

test('a webhook is attempted ten times, ever more rarely, over about three days (A3)', () => {
  const delays = Array.from({ length: 9 }, (_, failed) => retryDelayMs(failed + 1) ?? 0);
  expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  const total = delays.reduce((sum, delay) => sum + delay, 0);
  expect(total / dayMs).toBeGreaterThan(3);
  expect(total / dayMs).toBeLessThan(3.5);
  expect(retryDelayMs(10)).toBeNull();
});
