import { expect } from '@jest/globals';
import type { SessionEvent } from '../domain/events.ts';

/** Holds that the events of a session are numbered 1, 2, 3, … without a gap. */
export function expectNoGap(events: readonly Pick<SessionEvent, 'seq'>[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, i) => i + 1));
}
