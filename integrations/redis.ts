import { Redis } from 'ioredis';
import { secondMs } from '../domain/time.ts';
import { createLogger, type Logger } from '../observability/logger.ts';

/**
 * A connection to Redis that its callers can do without: a command fails within a second when Redis is gone, the
 * connection comes back by itself, and an outage is one line in the log and one more when it is over.
 *
 * @param name what Redis calls this connection in its client list
 */
export function createRedis(
  url: string,
  name: string,
  logger: Logger = createLogger({ service: name, level: 'info' }),
): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    enableAutoPipelining: true,
    connectTimeout: 2 * secondMs,
    // A server that hangs says no goodbye, and nothing is left to wait for.
    disconnectTimeout: 50,
    commandTimeout: secondMs,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 2 * secondMs),
  });
  // Each part that can do without Redis listens for its loss; there are more of them than Node takes for a leak.
  redis.setMaxListeners(50);
  logOutages(redis, logger);
  return redis;
}

/** Says once that Redis is gone and once that it is back, however often the connection tries in between. */
export function logOutages(redis: Redis, logger: Logger): void {
  let reported = false;
  const report = (error?: Error): void => {
    if (reported) return;
    reported = true;
    const connection = redis.options.connectionName;
    logger.error(error === undefined ? { connection } : { connection, error }, 'Redis is not reachable');
  };
  redis.on('error', report);
  redis.on('reconnecting', () => {
    report();
  });
  redis.on('ready', () => {
    if (reported) logger.info({ connection: redis.options.connectionName }, 'Redis is reachable again');
    reported = false;
  });
}

/** Whether Redis was lost and has not come back, so that a caller who can do without need not even wait a second. */
export function watchReachability(redis: Redis): { isGone(): boolean } {
  let gone = false;
  redis.on('close', () => {
    gone = true;
  });
  redis.on('ready', () => {
    gone = false;
  });
  return { isGone: () => gone };
}

/** What became of a call that its caller can do without. */
export type Attempted<T> = { done: true; value: T } | { done: false };

/**
 * Makes calls to Redis that never fail their caller: while Redis is gone they are not even tried, and what goes wrong is
 * logged once until something goes right again. Redis that leaves a call unanswered is taken for gone until it answers on
 * a new connection; otherwise every request would wait a second for each of its calls.
 */
export function createAttempts(redis: Redis, logger: Logger, complaint: string) {
  const reachability = watchReachability(redis);
  let failing = false;
  return async function attempt<T>(call: () => Promise<T>): Promise<Attempted<T>> {
    if (reachability.isGone()) return { done: false };
    try {
      const value = await call();
      failing = false;
      return { done: true, value };
    } catch (error) {
      if (!failing) logger.warn({ error }, complaint);
      failing = true;
      if (isUnanswered(error) && redis.status === 'ready') redis.disconnect(true);
      return { done: false };
    }
  };
}

/** ioredis says it by these words alone. */
function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}
