import { expect, test } from '@jest/globals';
import { ApiError, errorTable } from './errors.ts';

test('every error says what happened and what to do, with a status of its kind (G3)', () => {
  for (const [code, { status, message, help, retryable }] of Object.entries(errorTable)) {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(message).toMatch(/^[A-Z].*\.$/);
    expect(help).toMatch(/^[A-Z].*\.$/);
    expect(status >= 500).toBe(status >= 500 && retryable);
  }
});

test('an error carries its code, its details and its cause (G3)', () => {
  const cause = new Error('inner');
  const error = new ApiError('validation_failed', [{ path: 'cue', message: 'must not be empty' }], { cause });
  expect(error).toMatchObject({ code: 'validation_failed', cause, details: [{ path: 'cue' }] });
  expect(error.message).toBe(errorTable.validation_failed.message);
});
