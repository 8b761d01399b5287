import { describe, expect, test } from '@jest/globals';
import { estimatedWaitSeconds } from './taskQueues.ts';

const state = { backlogByPriority: { 2: 10, 4: 300, 5: 5_000 }, backlogAgeSeconds: 60, dispatchedPerSecond: 10 };

describe('how long a task would wait (A1)', () => {
  test('is what goes before it, by the pace at which tasks are taken', () => {
    expect(estimatedWaitSeconds(state, 2)).toBe(1);
    expect(estimatedWaitSeconds(state, 4)).toBe(31);
    expect(estimatedWaitSeconds(state, 5)).toBe(531);
  });

  test('is nothing where nothing goes before it', () => {
    expect(estimatedWaitSeconds({ ...state, backlogByPriority: { 5: 5_000 } }, 4)).toBe(0);
    expect(estimatedWaitSeconds({ ...state, backlogByPriority: {}, dispatchedPerSecond: 0 }, 4)).toBe(0);
  });

  test('is as long as the oldest has waited while nothing is taken', () => {
    expect(estimatedWaitSeconds({ ...state, dispatchedPerSecond: 0 }, 4)).toBe(60);
  });

  test('does not take the idle time before a young backlog for its pace', () => {
    // Two seconds old, sixty taken in the window: thirty a second, and not two.
    const young = { backlogByPriority: { 4: 300 }, backlogAgeSeconds: 2, dispatchedPerSecond: 2 };
    expect(estimatedWaitSeconds(young, 4)).toBe(10);
  });
});
