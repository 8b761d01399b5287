import type { Duplex } from 'node:stream';
import { minuteMs } from '../../domain/time.ts';
import { maxUnsentBytes } from './slowReaders.ts';

/** The most messages that a client may send in a minute come to a fifth of it, at a hundred bytes each. */
const maxBytesAMinute = 1_024 * 1_024;

/**
 * Ends a WebSocket on which more comes than any client of ours sends, or that leaves our answers unread. Frames that are
 * no messages (pings, each of which is answered, pongs, parts of a message without an end) are seen by nobody else.
 */
export function endFloods(socket: Duplex, onFlood: () => void): void {
  let minute = { beganAtMs: Date.now(), bytes: 0 };
  socket.on('data', (bytes: Buffer) => {
    const nowMs = Date.now();
    if (nowMs - minute.beganAtMs > minuteMs) minute = { beganAtMs: nowMs, bytes: 0 };
    minute.bytes += bytes.length;
    if (minute.bytes <= maxBytesAMinute && socket.writableLength <= maxUnsentBytes) return;
    onFlood();
    socket.destroy();
  });
}
