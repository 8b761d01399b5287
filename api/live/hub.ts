import { lateCommitMs, sessionsChangedWithin } from '../../db/liveEvents.ts';
import { missedEvents } from '../../db/sessions.ts';
import type { Database } from '../../db/database.ts';
import { toSessionUpdate, type SessionUpdate } from '../../domain/events.ts';
import { isTerminal } from '../../domain/session.ts';
import { secondMs } from '../../domain/time.ts';
import type { LiveStream } from '../../integrations/liveStream.ts';
import type { Logger } from '../../observability/logger.ts';

/**
 * Brings every event of a session to those who follow it, each exactly once and in order. PostgreSQL is the truth;
 * Redis only tells at once what a look into PostgreSQL every two seconds would find as well.
 */
export interface LiveHub {
  /** A reader that follows nothing yet. What it may follow is the caller's business. */
  join(onUpdate: (update: SessionUpdate) => void): LiveReader;
  close(): Promise<void>;
}

/** One client, with one place in each session that it follows, however many ways lead it there. */
export interface LiveReader {
  /** Brings every event with a number greater than `after`, and ends by itself behind the session's last one. */
  follow(sessionId: string, after: number): void;
  /** Changes nothing while all sessions of the user are followed. */
  unfollow(sessionId: string): void;
  isFollowing(sessionId: string): boolean;
  /** How many sessions it follows. */
  count(): number;
  /**
   * Brings every event of every session of the user from now on; of those that `standing` names, the events behind
   * the number that it gives, and of those that begin later, all.
   */
  followUser(userId: string, standing: readonly StandingSession[]): void;
  /** Ends the following of the user and with it of every session. */
  unfollowAll(): void;
}

export interface StandingSession {
  sessionId: string;
  lastSeq: number;
  /** Whether nothing can come any more. */
  ended: boolean;
}

interface Reader {
  /** The number of the event that was handed over last, of each session that is followed. */
  places: Map<string, number>;
  /** Set while all sessions of a user are followed. */
  userId: string | undefined;
  /** The newest number of sessions of that user which came to their end lately: what is told twice begins nothing. */
  ended: Map<string, number>;
  onUpdate: (update: SessionUpdate) => void;
}

interface HubDeps {
  database: Database;
  live: LiveStream;
  logger: Logger;
}

const lookEveryMs = 2 * secondMs;
/** A session that ended is only spoken of for seconds, so the oldest can be forgotten. */
const maxEnded = 1_000;

/** One for a process: it reads the stream once and hands each update to everybody who follows. */
export function createLiveHub({ database, live, logger }: HubDeps): LiveHub {
  const bySession = new Map<string, Set<Reader>>();
  const byUser = new Map<string, Set<Reader>>();
  /** Sessions of which some reader may have missed something. */
  const behind = new Set<string>();
  let lookDue = false;
  let lookedAtMs = performance.now();
  let catchingUp: Promise<void> | undefined;
  const closing = new AbortController();

  function deliver(update: SessionUpdate): void {
    for (const reader of bySession.get(update.sessionId) ?? []) hand(reader, update);
  }

  function hand(reader: Reader, update: SessionUpdate): void {
    const { sessionId, data } = update;
    const last = reader.places.get(sessionId);
    if (last === undefined) return;
    if (data.seq > last + 1) behind.add(sessionId);
    if (data.seq !== last + 1) return;
    reader.places.set(sessionId, data.seq);
    if (isTerminal(data.status)) end(reader, sessionId, data.seq);
    reader.onUpdate(update);
  }

  function place(reader: Reader, sessionId: string, after: number): void {
    reader.places.set(sessionId, after);
    enter(bySession, sessionId, reader);
  }

  function leave(reader: Reader, sessionId: string): void {
    reader.places.delete(sessionId);
    exit(bySession, sessionId, reader);
  }

  function end(reader: Reader, sessionId: string, seq: number): void {
    leave(reader, sessionId);
    if (reader.userId !== undefined) remember(reader.ended, sessionId, seq);
  }

  /** A session that those who follow its owner have not heard of is new to them; one that has ended can go on. */
  function tellOwnersReaders(userId: string, sessionId: string, seq: number): void {
    for (const reader of byUser.get(userId) ?? []) {
      const endedAt = reader.ended.get(sessionId) ?? 0;
      if (!reader.places.has(sessionId) && endedAt < seq) place(reader, sessionId, endedAt);
    }
  }

  /** Reads what was missed until nothing is; however often it is asked for, one query at a time. */
  function catchUp(): void {
    if (closing.signal.aborted || (!lookDue && behind.size === 0)) return;
    catchingUp ??= readMissed()
      .catch((error: unknown) => {
        // The next look tries again.
        logger.warn({ error }, 'missed live updates could not be read');
      })
      .finally(() => {
        catchingUp = undefined;
      });
  }

  async function readMissed(): Promise<void> {
    while ((lookDue || behind.size > 0) && !closing.signal.aborted) {
      if (lookDue) await look();
      const seen = placesIn(behind);
      behind.clear();
      const missed = await missedEvents(database.asService(), seen).catch((error: unknown) => {
        // Whoever began to follow long after the last event is found by no look.
        for (const sessionId of seen.keys()) behind.add(sessionId);
        throw error;
      });
      for (const { sessionId, event } of missed) deliver(toSessionUpdate(sessionId, event));
    }
  }

  /** Finds which of the followed sessions have gone on without a word of it: one statement, whoever is connected. */
  async function look(): Promise<void> {
    lookDue = false;
    const startedAtMs = performance.now();
    const windowMs = startedAtMs - lookedAtMs + lateCommitMs;
    for (const { sessionId, userId, lastSeq } of await sessionsChangedWithin(database.asService(), windowMs)) {
      tellOwnersReaders(userId, sessionId, lastSeq);
      for (const { places } of bySession.get(sessionId) ?? []) {
        if ((places.get(sessionId) ?? lastSeq) < lastSeq) behind.add(sessionId);
      }
    }
    lookedAtMs = startedAtMs;
  }

  /** The number from which somebody is missing something, of each session that is still followed. */
  function placesIn(sessionIds: Iterable<string>): Map<string, number> {
    const lowest = new Map<string, number>();
    for (const sessionId of sessionIds) {
      const places = [...(bySession.get(sessionId) ?? [])].flatMap((reader) => reader.places.get(sessionId) ?? []);
      if (places.length > 0) lowest.set(sessionId, Math.min(...places));
    }
    return lowest;
  }

  const timer = setInterval(() => {
    lookDue = bySession.size > 0 || byUser.size > 0;
    if (!lookDue) lookedAtMs = performance.now();
    catchUp();
  }, lookEveryMs);
  timer.unref();

  live
    .read({
      signal: closing.signal,
      onEvent: ({ userId, update }) => {
        tellOwnersReaders(userId, update.sessionId, update.data.seq);
        deliver(update);
        catchUp();
      },
    })
    .catch((error: unknown) => {
      logger.error({ error }, 'live updates come from PostgreSQL alone: Redis is no longer read');
    });

  return {
    join(onUpdate) {
      const reader: Reader = { places: new Map(), userId: undefined, ended: new Map(), onUpdate };
      return {
        follow(sessionId, after) {
          place(reader, sessionId, after);
          behind.add(sessionId);
          catchUp();
        },
        unfollow(sessionId) {
          if (reader.userId === undefined) leave(reader, sessionId);
        },
        isFollowing: (sessionId) => reader.places.has(sessionId),
        count: () => reader.places.size,
        followUser(userId, standing) {
          reader.userId = userId;
          for (const { sessionId, lastSeq, ended } of standing) {
            if (reader.places.has(sessionId)) continue;
            if (ended) remember(reader.ended, sessionId, lastSeq);
            else {
              place(reader, sessionId, lastSeq);
              behind.add(sessionId);
            }
          }
          enter(byUser, userId, reader);
          // What began between the reading of `standing` and now.
          lookDue = true;
          catchUp();
        },
        unfollowAll() {
          for (const sessionId of reader.places.keys()) leave(reader, sessionId);
          if (reader.userId !== undefined) exit(byUser, reader.userId, reader);
          reader.userId = undefined;
          reader.ended.clear();
        },
      };
    },
    async close() {
      clearInterval(timer);
      closing.abort();
      bySession.clear();
      byUser.clear();
      await catchingUp;
    },
  };
}

function enter(room: Map<string, Set<Reader>>, id: string, reader: Reader): void {
  const readers = room.get(id);
  if (readers === undefined) room.set(id, new Set([reader]));
  else readers.add(reader);
}

function exit(room: Map<string, Set<Reader>>, id: string, reader: Reader): void {
  const readers = room.get(id);
  readers?.delete(reader);
  if (readers?.size === 0) room.delete(id);
}

function remember(ended: Map<string, number>, sessionId: string, seq: number): void {
  ended.set(sessionId, seq);
  const [oldest] = ended.keys();
  if (ended.size > maxEnded && oldest !== undefined) ended.delete(oldest);
}
