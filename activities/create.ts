import type { Database } from '../db/database.ts';
import { insertSession } from '../db/sessionSteps.ts';
import type { SessionWorkflowInput } from '../domain/session.ts';
import type { SessionContentStore } from '../integrations/sessionContent.ts';
import type { Metrics } from '../observability/metrics.ts';
import { announce, type AnnounceDeps } from './announce.ts';

export interface CreateDeps extends AnnounceDeps {
  database: Database;
  contents: SessionContentStore;
  metrics: Metrics;
}

/** The first step: the session's row, its state and event 1, from the content that the gateway has sealed. */
export function createCreateActivities(deps: CreateDeps) {
  return {
    async create(input: SessionWorkflowInput): Promise<void> {
      const { cue, metadata = null } = await deps.contents.get(input.contentKey);
      const event = await insertSession(deps.database.asService(), {
        id: input.sessionId,
        userId: input.userId,
        sessionType: input.sessionType,
        cue,
        metadata,
        fingerprint: input.fingerprint,
        contentKey: input.contentKey,
        hasImpressions: input.hasImpressions,
      });
      if (event === null) return;
      deps.metrics.sessionsCreatedTotal.inc({ session_type: input.sessionType });
      await announce(deps, input.sessionId, event);
    },
  };
}
