import { missedEvents } from '../../db/sessions.ts';
import type { Database } from '../../db/database.ts';
import { toSessionUpdate, type SessionUpdate } from '../../domain/events.ts';
import { isTerminal } from '../../domain/session.ts';
import { secondMs } from '../../domain/time.ts';
import type { LiveStream } from '../../integrations/liveStream.ts';
import type { Logger } from '../../observability/logger.ts';

/**
 * Brings every event of a session to those who watch it, each exactly once and in order. PostgreSQL is the truth;
 * Redis only tells at once what a look into PostgreSQL every two seconds would find as well.
 */
export interface LiveHub {
  /**
   * Hands over every event with a number greater than `after`, and ends by itself behind the session's last one.
   * Whether the session may be watched is the caller's business.
   */
  watch(sessionId: string, after: number, onUpdate: (update: SessionUpdate) => void): Watch;
  close(): Promise<void>;
}

export interface Watch {
  end(): void;
}

interface Watcher {
  lastSeq: number;
  onUpdate: (update: SessionUpdate) => void;
}

interface HubDeps {
  database: Database;
  live: LiveStream;
  logger: Logger;
}

const sweepMs = 2 * secondMs;

export function createLiveHub({ database, live, logger }: HubDeps): LiveHub {
  const watchers = new Map<string, Set<Watcher>>();
  /** Sessions of which some watcher may have missed something. */
  const behind = new Set<string>();
  let catchingUp: Promise<void> | undefined;
  const closing = new AbortController();

  function deliver(sessionId: string, update: SessionUpdate): void {
    for (const watcher of watchers.get(sessionId) ?? []) {
      const { seq, status } = update.data;
      if (seq > watcher.lastSeq + 1) behind.add(sessionId);
      if (seq !== watcher.lastSeq + 1) continue;
      watcher.lastSeq = seq;
      watcher.onUpdate(update);
      if (isTerminal(status)) remove(sessionId, watcher);
    }
  }

  function remove(sessionId: string, watcher: Watcher): void {
    const ofSession = watchers.get(sessionId);
    ofSession?.delete(watcher);
    if (ofSession?.size === 0) watchers.delete(sessionId);
  }

  /** Reads what was missed until nothing is; however often it is asked for, one query at a time. */
  function catchUp(): void {
    if (behind.size === 0 || closing.signal.aborted) return;
    catchingUp ??= readMissed()
      .catch((error: unknown) => {
        // The next sweep tries again.
        logger.warn({ error }, 'missed live updates could not be read');
      })
      .finally(() => {
        catchingUp = undefined;
      });
  }

  async function readMissed(): Promise<void> {
    while (behind.size > 0 && !closing.signal.aborted) {
      const seen = lastSeenOf(behind);
      behind.clear();
      for (const { sessionId, event } of await missedEvents(database.asService(), seen)) {
        deliver(sessionId, toSessionUpdate(sessionId, event));
      }
    }
  }

  /** The number from which somebody is missing something, of each session that is still watched. */
  function lastSeenOf(sessionIds: Iterable<string>): Map<string, number> {
    const seen = new Map<string, number>();
    for (const sessionId of sessionIds) {
      const ofSession = watchers.get(sessionId);
      if (ofSession) seen.set(sessionId, Math.min(...[...ofSession].map(({ lastSeq }) => lastSeq)));
    }
    return seen;
  }

  const sweep = setInterval(() => {
    for (const sessionId of watchers.keys()) behind.add(sessionId);
    catchUp();
  }, sweepMs);
  sweep.unref();

  live
    .read({
      signal: closing.signal,
      onUpdate: (update) => {
        deliver(update.sessionId, update);
        catchUp();
      },
    })
    .catch((error: unknown) => {
      logger.error({ error }, 'live updates come from PostgreSQL alone: Redis is no longer read');
    });

  return {
    watch(sessionId, after, onUpdate) {
      const watcher = { lastSeq: after, onUpdate };
      const ofSession = watchers.get(sessionId) ?? new Set();
      watchers.set(sessionId, ofSession.add(watcher));
      behind.add(sessionId);
      catchUp();
      return {
        end: () => {
          remove(sessionId, watcher);
        },
      };
    },
    async close() {
      clearInterval(sweep);
      closing.abort();
      watchers.clear();
      await catchingUp;
    },
  };
}
