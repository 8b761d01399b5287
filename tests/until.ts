import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { minuteMs } from '../domain/time.ts';

const askEveryMs = 20;

/** Asks again and again until the answer is neither nothing nor false, and gives it back. */
export function until<T>(ask: () => T | Promise<T>): Promise<NonNullable<T>>;
/**
 * Asks again and again until the answer is as it should be, and gives it back.
 *
 * @throws after `withinMs`, three minutes unless said, with the last answer; the test's own limit may come before.
 */
export function until<T>(ask: () => T | Promise<T>, holds: (answer: T) => boolean, withinMs?: number): Promise<T>;
export async function until<T>(
  ask: () => T | Promise<T>,
  holds: (answer: T) => boolean = Boolean,
  withinMs = 3 * minuteMs,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`Waited in vain; the last answer was ${inspect(answer, { depth: 5 })}`);
    await wait(askEveryMs);
  }
}
