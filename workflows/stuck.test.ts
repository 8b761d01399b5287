import { describe, expect, test } from '@jest/globals';
import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { finalFailureTypes } from '../domain/failures.ts';
import { stuckCodes } from '../domain/session.ts';
import { isModelPaused, isUnanalyzable, stuckCodeOf, stuckMessages } from './stuck.ts';

/** A failed activity as the workflow catches it. */
function failed(cause: Error): ActivityFailure {
  return new ActivityFailure('failed', 'bill', '1', RetryState.MAXIMUM_ATTEMPTS_REACHED, 'worker', cause);
}

describe('why a session parks', () => {
  test.each([
    ['CardDeclined', 'card_declined'],
    ['BillingUncertain', 'billing_uncertain'],
    ['Rejected', 'rejected'],
  ] as const)('a failure of type %s is told as %s (T5)', (type, code) => {
    expect(stuckCodeOf(failed(ApplicationFailure.nonRetryable('m', type)))).toBe(code);
  });

  test('everything else that used up its attempts is told so (T5)', () => {
    expect(stuckCodeOf(failed(ApplicationFailure.retryable('m', 'ConnectionException')))).toBe('retries_exhausted');
    expect(stuckCodeOf(failed(new TimeoutFailure('late', undefined, 'HEARTBEAT')))).toBe('retries_exhausted');
    expect(stuckCodeOf(new Error('m'))).toBe('retries_exhausted');
  });

  test('every cause has its sentence; what no model can read and what is paused are none (T5)', () => {
    expect(Object.keys(stuckMessages).sort()).toEqual([...stuckCodes].sort());
    for (const type of finalFailureTypes) {
      expect(isUnanalyzable(failed(ApplicationFailure.nonRetryable('m', type)))).toBe(type === 'Unanalyzable');
      expect(isModelPaused(failed(ApplicationFailure.nonRetryable('m', type)))).toBe(type === 'ModelPaused');
    }
  });
});
