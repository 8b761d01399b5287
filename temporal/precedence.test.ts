import { describe, expect, test } from '@jest/globals';
import { backgroundPriorityKey, firstOnesPerMinute, tiers, tierTerms } from '../domain/tiers.ts';
import { minuteMs } from '../domain/time.ts';
import { createPrecedence } from './precedence.ts';

describe('who goes first where queues are long (T2)', () => {
  test('a higher tier goes before a lower one, and everybody before what is in the background', () => {
    const keys = tiers.map((tier) => createPrecedence().next({ userId: 'a', tier }).priorityKey);
    expect(keys).toEqual(keys.toSorted((a, b) => b - a));
    expect(new Set(keys).size).toBe(tiers.length);
    expect(Math.max(...keys)).toBeLessThan(backgroundPriorityKey);
  });

  test('people share by a key of their own, with the weight of their tier', () => {
    const precedence = createPrecedence();
    expect(precedence.next({ userId: 'a', tier: 'basic' })).toMatchObject({ fairnessKey: 'a', fairnessWeight: 1 });
    expect(precedence.next({ userId: 'b', tier: 'enterprise' })).toMatchObject({
      fairnessKey: 'b',
      fairnessWeight: tierTerms.enterprise.fairnessWeight,
    });
  });

  test('a flood of one person goes behind everybody else’s, whatever the tier, until the minute is over', () => {
    let now = 0;
    const precedence = createPrecedence(() => now);
    const flooding = { userId: 'flood', tier: 'enterprise' } as const;
    const keys = Array.from({ length: firstOnesPerMinute + 2 }, () => precedence.next(flooding).priorityKey);
    expect(new Set(keys.slice(0, firstOnesPerMinute))).toEqual(new Set([tierTerms.enterprise.priorityKey]));
    expect(keys.slice(firstOnesPerMinute)).toEqual([backgroundPriorityKey, backgroundPriorityKey]);
    expect(precedence.keyOf(flooding)).toBe(backgroundPriorityKey);
    expect(precedence.keyOf({ userId: 'single', tier: 'basic' })).toBe(tierTerms.basic.priorityKey);
    now += minuteMs;
    expect(precedence.keyOf(flooding)).toBe(tierTerms.enterprise.priorityKey);
  });
});
