import { heartbeat } from '@temporalio/activity';
import { secondMs } from '../domain/time.ts';

const heartbeatEveryMs = 3 * secondMs;

/** Lets Temporal see that this attempt lives; the models work in threads, so the timer is never late. */
export async function whileHeartbeating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    heartbeat();
  }, heartbeatEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
