import type { Priority } from '@temporalio/common';
import { backgroundPriorityKey, firstOnesPerMinute, tierTerms, type Person } from '../domain/tiers.ts';
import { minuteMs } from '../domain/time.ts';

/** Who goes first where queues are long: priority by tier, and fairness between people. */
interface Precedence {
  /** The priority key that something of this person's would have now. */
  keyOf(person: Person): number;
  /** The place of what is started now. */
  next(person: Person): Required<Priority>;
}

/**
 * The precedence of one kind of work: a session, a file, a webhook. Counts in this process what each person started in
 * the minute; that other processes do not know of it lets a flood have as many first ones as there are processes, which
 * is little.
 */
export function createPrecedence(now: () => number = Date.now): Precedence {
  let minute = 0;
  let started = new Map<string, number>();

  function startedBy(userId: string): number {
    const current = Math.floor(now() / minuteMs);
    if (current !== minute) {
      minute = current;
      started = new Map();
    }
    return started.get(userId) ?? 0;
  }

  function keyOf({ userId, tier }: Person): number {
    return startedBy(userId) < firstOnesPerMinute ? tierTerms[tier].priorityKey : backgroundPriorityKey;
  }

  return {
    keyOf,
    next(person) {
      const { userId, tier } = person;
      const priorityKey = keyOf(person);
      started.set(userId, startedBy(userId) + 1);
      return { priorityKey, fairnessKey: userId, fairnessWeight: tierTerms[tier].fairnessWeight };
    },
  };
}
