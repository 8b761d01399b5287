import type { Database } from '../db/database.ts';
import { eraseSession } from '../db/sessionSteps.ts';
import type { Billing } from '../integrations/billing.ts';
import type { InferenceCache } from '../integrations/inferenceCache.ts';
import type { SessionCache } from '../integrations/sessionCache.ts';
import type { SessionContentStore } from '../integrations/sessionContent.ts';
import type { Uploads } from '../integrations/uploads.ts';
import { endWorkflow } from '../operations/endWorkflow.ts';
import { takeUsageBack } from './close.ts';

interface EraseDeps {
  database: Database;
  billing: Billing;
  workflows: Parameters<typeof endWorkflow>[0];
  cache: SessionCache;
  inferences: InferenceCache;
  contents: SessionContentStore;
  uploads: Uploads;
}

/** Thrown when what is cached of a session could not be dropped. */
class CacheUnreachableError extends Error {
  override readonly name = 'CacheUnreachableError';
}

/**
 * Removes what a session consists of: first the rows, so that nobody reads it any more, then cache, objects and what is
 * left of its workflow, side by side since somebody waits.
 */
export function createEraseActivities(deps: EraseDeps) {
  async function forget(sessionId: string): Promise<void> {
    // A copy that Redis may still hold would be read for days, so the attempt fails and is tried again.
    const forgotten = await Promise.all([deps.cache.forget(sessionId), deps.inferences.forget(sessionId)]);
    if (!forgotten.every(Boolean)) throw new CacheUnreachableError('Redis did not drop the session');
  }

  return {
    async erase({ sessionId }: { sessionId: string }): Promise<void> {
      await eraseSession(deps.database.asService(), sessionId);
      const [isOver] = await Promise.all([
        endWorkflow(deps.workflows, sessionId),
        forget(sessionId),
        deps.uploads.abandonUploads(sessionId).then(() => deps.contents.erase(sessionId)),
      ]);
      if (isOver) await takeUsageBack(deps, sessionId);
    },
  };
}
