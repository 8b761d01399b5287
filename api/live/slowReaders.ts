import { secondMs } from '../../domain/time.ts';

/** A connection as far as its backlog goes. */
export interface Drain {
  /** Bytes that were sent and have not left this process. */
  unsentBytes(): number;
}

export interface SlowReaders<T extends Drain> {
  /** Call before each message: notes since when a backlog stands. Says false when the connection is too far behind. */
  mayGetMore(connection: T): boolean;
  forget(connection: T): void;
  close(): void;
}

/** Updates are a few hundred bytes, so this is about a thousand of them. */
export const maxUnsentBytes = 256 * 1_024;
const maxUnsentMs = 10 * secondMs;
const lookEveryMs = 2 * secondMs;

/**
 * A reader that does not take what it is sent would be buffered without end (G4). It is dropped instead: when its
 * backlog is too large, or stands for too long. It has lost nothing, for it resumes by number.
 */
export function createSlowReaders<T extends Drain>(onSlow: (connection: T) => void): SlowReaders<T> {
  /** Connections that were sent something, with the time since when they never had nothing left to send. */
  const waitingSinceMs = new Map<T, number>();

  const timer = setInterval(() => {
    for (const [connection, sinceMs] of waitingSinceMs) {
      if (connection.unsentBytes() === 0) waitingSinceMs.delete(connection);
      else if (Date.now() - sinceMs > maxUnsentMs) {
        waitingSinceMs.delete(connection);
        onSlow(connection);
      }
    }
  }, lookEveryMs);
  timer.unref();

  return {
    mayGetMore(connection) {
      const unsentBytes = connection.unsentBytes();
      if (unsentBytes === 0) waitingSinceMs.set(connection, Date.now());
      return unsentBytes <= maxUnsentBytes;
    },
    forget(connection) {
      waitingSinceMs.delete(connection);
    },
    close() {
      clearInterval(timer);
      waitingSinceMs.clear();
    },
  };
}
