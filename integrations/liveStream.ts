import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { sessionEventTypes, type LiveEvent, type SessionUpdate } from '../domain/events.ts';
import { sessionStatuses, sessionSteps, stuckCodes } from '../domain/session.ts';
import { secondMs } from '../domain/time.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { logOutages, watchReachability } from './redis.ts';

const stream = 'live:sessions';
/** What a reader that was cut off may be behind; older updates are read from PostgreSQL. */
const keptUpdates = 100_000;
const batchSize = 500;
const blockMs = 5 * secondMs;
const retryMs = secondMs;

/** How workers tell every API process of a session's events as they happen (G4). PostgreSQL holds the truth. */
export interface LiveStream {
  /** Never rejects: an update that Redis cannot take is logged and left to PostgreSQL. */
  publish(event: LiveEvent): Promise<void>;
  /**
   * Hands over every update published from now on, in order, until the signal ends it; after a reconnect it goes on
   * where it was. It uses a connection of its own.
   */
  read(options: {
    signal: AbortSignal;
    onEvent: (event: LiveEvent) => void;
    /** Called once the first read is under way: whatever is published after this is handed over. */
    onStart?: () => void;
  }): Promise<void>;
}

/** Publishes on the connection that it is given, and reads on one of its own, since a read waits. A publication that is lost fails nobody: PostgreSQL has it. */
export function createLiveStream(
  redis: Redis,
  logger: Logger = createLogger({ service: 'live-stream', level: 'info' }),
): LiveStream {
  const reachability = watchReachability(redis);
  let failing = false;

  return {
    async publish({ userId, update }) {
      if (reachability.isGone()) return;
      try {
        await redis.xadd(stream, 'MAXLEN', '~', keptUpdates, '*', 'user', userId, 'update', JSON.stringify(update));
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ error, session_id: update.sessionId }, 'live updates are not passed on');
        failing = true;
      }
    },

    async read({ signal, onEvent, onStart }) {
      if (signal.aborted) return;
      const connection = openReader(redis, logger);
      // A reader that never reached Redis waits for its first answer, which no disconnecting ends.
      const aborted = new Promise<void>((resolve) => {
        signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
      });
      await Promise.race([aborted, readOn(connection, { signal, onEvent, onStart, logger })]);
      connection.disconnect();
    },
  };
}

/** A connection that waits for Redis as long as it takes; a silence longer than its own blocking read is a dead line. */
function openReader(redis: Redis, logger: Logger): Redis {
  const connection = redis.duplicate({
    connectionName: `${redis.options.connectionName ?? 'mindpeeker'}-live`,
    enableAutoPipelining: false,
    commandTimeout: undefined,
    maxRetriesPerRequest: null,
    socketTimeout: 3 * blockMs,
    // Redis does not hear a goodbye while it holds a read, and nothing is left to wait for.
    disconnectTimeout: 50,
  });
  logOutages(connection, logger);
  return connection;
}

interface Reading {
  signal: AbortSignal;
  onEvent: (event: LiveEvent) => void;
  onStart: (() => void) | undefined;
  logger: Logger;
}

async function readOn(connection: Redis, { signal, onEvent, onStart, logger }: Reading): Promise<void> {
  let lastId: string | undefined;
  while (!signal.aborted) {
    try {
      if (lastId === undefined) {
        // `$` would mean another place after a reconnect, so it is turned into an id once.
        lastId = await latestId(connection);
        onStart?.();
      }
      const [entries = []] = await readBatch(connection, lastId);
      for (const { id, fields } of entries) {
        lastId = id;
        const event = parseEntry(fields);
        if (event === undefined) logger.warn({ entry: id }, 'an entry of the live stream cannot be read');
        else deliver(event, onEvent, logger);
      }
    } catch (error) {
      if (isAborted(signal)) return;
      logger.warn({ error }, 'reading the live stream failed; trying again');
      await pause(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** The compiler takes the loop's own check for the last word, but the signal can end during any wait. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function latestId(connection: Redis): Promise<string> {
  const [latest] = await connection.xrevrange(stream, '+', '-', 'COUNT', 1);
  return latest?.[0] ?? '0-0';
}

async function readBatch(connection: Redis, after: string): Promise<{ id: string; fields: string[] }[][]> {
  const streams = await connection.xread('COUNT', batchSize, 'BLOCK', blockMs, 'STREAMS', stream, after);
  return (streams ?? []).map(([, entries]) => entries.map(([id, fields]) => ({ id, fields })));
}

/** One reader that fails on an update must not keep the others from their updates. */
function deliver(event: LiveEvent, onEvent: (event: LiveEvent) => void, logger: Logger): void {
  try {
    onEvent(event);
  } catch (error) {
    logger.error({ error, session_id: event.update.sessionId }, 'a live update could not be handed on');
  }
}

const updateSchema: z.ZodType<SessionUpdate> = z.object({
  type: z.literal('session_update'),
  sessionId: z.string(),
  data: z.object({
    seq: z.int().positive(),
    event: z.enum(sessionEventTypes),
    status: z.enum(sessionStatuses),
    step: z.enum(sessionSteps).nullable(),
    progress: z.exactOptional(z.number()),
    attempt: z.exactOptional(z.int()),
    stuck: z.exactOptional(z.object({ code: z.enum(stuckCodes), message: z.string() })),
    attachmentId: z.exactOptional(z.uuid()),
  }),
  timestamp: z.string(),
});

function parseEntry(fields: string[]): LiveEvent | undefined {
  const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  try {
    return { userId: z.uuid().parse(field('user')), update: updateSchema.parse(JSON.parse(field('update'))) };
  } catch {
    return undefined;
  }
}
