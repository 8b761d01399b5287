import type { Database } from '../db/database.ts';
import { eraseSession } from '../db/sessionSteps.ts';
import type { SessionCache } from '../integrations/sessionCache.ts';
import type { SessionContentStore } from '../integrations/sessionContent.ts';

export interface EraseDeps {
  database: Database;
  cache: SessionCache;
  contents: SessionContentStore;
}

/** Removes what a session consists of: first the rows, so that nobody reads it any more, then cache and objects. */
export function createEraseActivities(deps: EraseDeps) {
  return {
    async erase({ sessionId }: { sessionId: string }): Promise<void> {
      await eraseSession(deps.database.asService(), sessionId);
      await deps.cache.forget(sessionId);
      await deps.contents.erase(sessionId);
    },
  };
}
