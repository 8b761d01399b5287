import { setTimeout as wait } from 'node:timers/promises';
import { secondMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';

/** Something outside that a worker follows. */
export interface Following {
  /** Ends once the reading that may be under way has. */
  close(): Promise<void>;
}

/** How soon a change is followed. */
export const readEveryMs = 2 * secondMs;

/**
 * Reads now, and from then on every two seconds. What cannot be read stays as it was, and the first failure of several is
 * told.
 *
 * @throws what the first reading throws: a worker that knows nothing yet must not begin
 */
export async function follow(read: () => Promise<void>, what: string, logger: Logger): Promise<Following> {
  const stopped = new AbortController();

  async function goOn(): Promise<void> {
    let failing = false;
    while (await wait(readEveryMs, true, { signal: stopped.signal }).catch(() => false)) {
      try {
        await read();
        failing = false;
      } catch (error) {
        if (!failing)
          logger.error({ error, followed: what }, 'what a worker follows could not be read; all stays as it is');
        failing = true;
      }
    }
  }

  await read();
  const following = goOn();
  return {
    async close() {
      stopped.abort();
      await following;
    },
  };
}
