import { toLiveEvent, type RecordedEvent } from '../domain/events.ts';
import type { LiveStream } from '../integrations/liveStream.ts';
import type { SessionCache } from '../integrations/sessionCache.ts';

export interface AnnounceDeps {
  cache: SessionCache;
  live: LiveStream;
}

/**
 * Tells the cache and whoever watches that a session has moved on. It comes after the event is committed and never
 * fails: PostgreSQL holds the event, and every reader finds what it missed there.
 */
export async function announce(deps: AnnounceDeps, sessionId: string, event: RecordedEvent): Promise<void> {
  await Promise.all([
    deps.cache.putStatus(sessionId, event.data.status),
    deps.live.publish(toLiveEvent(sessionId, event)),
  ]);
}
