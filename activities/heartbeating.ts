import { heartbeat } from '@temporalio/activity';
import { secondMs } from '../domain/time.ts';

/** Pools let each of these heartbeats through, so that a late one leaves most of the timeout. */
export const heartbeatEveryMs = 3 * secondMs;

/**
 * Lets Temporal see that this attempt lives; the models work in threads, so the timer is never late.
 *
 * @param reached what the next attempt is to know of this one, asked at each heartbeat
 */
export async function whileHeartbeating<T>(work: () => Promise<T>, reached?: () => unknown): Promise<T> {
  const timer = setInterval(() => {
    heartbeat(reached?.());
  }, heartbeatEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
