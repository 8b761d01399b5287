import { describe, expect, test } from '@jest/globals';
import {
  stuckLimits,
  stuckReasons,
  suggestionFor,
  troubleOf,
  type ObservedActivity,
  type ObservedWorkflowTask,
  type StuckReason,
} from './stuck.ts';
import { hourMs, minuteMs, secondMs } from './time.ts';

const now = new Date('2026-11-29T03:00:00Z');
const ago = (ms: number): Date => new Date(now.getTime() - ms);
const queues = { polled: new Set(['cpu', 'gpu', 'halted']), paused: new Set(['halted']) };

const activity = (given: Partial<ObservedActivity>): ObservedActivity => ({
  step: 'analyze',
  queue: 'gpu',
  state: 'waiting',
  attempt: 1,
  maximumAttempts: 8,
  scheduledAt: ago(secondMs),
  startedAt: null,
  nextAttemptAt: null,
  worker: null,
  failure: null,
  ...given,
});
const task = (given: Partial<ObservedWorkflowTask>): ObservedWorkflowTask => ({
  queue: 'cpu',
  attempt: 1,
  scheduledAt: ago(secondMs),
  isStarted: false,
  failure: null,
  ...given,
});

describe('an open session (T5)', () => {
  test.each<[string, Partial<ObservedActivity>, StuckReason | null]>([
    ['waits a moment for its worker', {}, null],
    ['waits where nobody polls', { queue: 'gone', scheduledAt: ago(minuteMs) }, 'no_worker'],
    ['has only just begun to wait where nobody polls', { queue: 'gone' }, null],
    ['runs where nobody polls any more', { queue: 'gone', state: 'running', scheduledAt: ago(minuteMs) }, null],
    ['fails again and again', { state: 'backing_off', attempt: stuckLimits.attempts.analyze + 1 }, 'many_attempts'],
    ['failed as often as it may', { state: 'backing_off', attempt: stuckLimits.attempts.analyze }, null],
    ['takes too long', { state: 'running', scheduledAt: ago(hourMs) }, 'overdue'],
    ['waits in a queue that is paused', { queue: 'halted', scheduledAt: ago(hourMs) }, null],
    ['is paused, however long', { state: 'paused', attempt: 50, scheduledAt: ago(hourMs) }, null],
  ])('whose step %s', (_what, given, reason) => {
    const trouble = troubleOf({ activities: [activity(given)], workflowTask: null }, queues, now);
    expect(trouble?.reason ?? null).toBe(reason);
    if (trouble !== null) expect(trouble).toMatchObject({ step: 'analyze', attempts: given.attempt ?? 1 });
  });

  test.each<[string, Partial<ObservedWorkflowTask>, StuckReason | null]>([
    ['is due', {}, null],
    ['does not fit its history', { attempt: 2, failure: 'nondeterministic' }, 'nondeterministic'],
    ['keeps failing', { attempt: stuckLimits.workflowTaskAttempts + 1, failure: 'other' }, 'workflow_failing'],
    ['failed once', { attempt: 2, failure: 'other' }, null],
    ['waits where nobody polls', { queue: 'gone', scheduledAt: ago(minuteMs) }, 'no_worker'],
    ['waits too long', { scheduledAt: ago(hourMs) }, 'overdue'],
    ['is being worked on', { isStarted: true, scheduledAt: ago(hourMs) }, null],
  ])('whose workflow %s', (_what, given, reason) => {
    const trouble = troubleOf({ activities: [], workflowTask: task(given) }, queues, now);
    expect(trouble?.reason ?? null).toBe(reason);
  });

  test('that waits for nothing but its person is not stuck', () => {
    expect(troubleOf({ activities: [], workflowTask: null }, queues, now)).toBeNull();
  });

  test('is told by the gravest of what is wrong with it', () => {
    const observed = {
      activities: [activity({ attempt: 50, state: 'backing_off' })],
      workflowTask: task({ attempt: 2, failure: 'nondeterministic' }),
    };
    expect(troubleOf(observed, queues, now)?.reason).toBe('nondeterministic');
  });

  test.each(stuckReasons)('that is stuck as %s has something that is safe to press', (reason) => {
    expect(suggestionFor(reason, null).why).toMatch(/\.$/);
  });

  test('whose bill is uncertain is looked at before it is retried (A4)', () => {
    expect(suggestionFor('gave_up', 'billing_uncertain').action).toBe('look');
    expect(suggestionFor('gave_up', 'card_declined').action).toBe('retry');
  });
});
