import type { Database } from '../db/database.ts';
import { insertSession, readCreatedAt } from '../db/sessionSteps.ts';
import { User } from '../db/users.ts';
import { keptMetadata } from '../domain/content.ts';
import type { SessionWorkflowInput } from '../domain/session.ts';
import { cachedImpressions, type SessionContentStore } from '../integrations/sessionContent.ts';
import type { Metrics } from '../observability/metrics.ts';
import { announce, type AnnounceDeps } from './announce.ts';

interface CreateDeps extends AnnounceDeps {
  database: Database;
  contents: SessionContentStore;
  metrics: Metrics;
}

/**
 * The first step: the session's row, its state and event 1, from the content that the gateway has sealed. It says when
 * the session was created, also when an earlier attempt did it.
 */
export function createCreateActivities(deps: CreateDeps) {
  return {
    async create(input: SessionWorkflowInput): Promise<{ createdAt: string }> {
      try {
        return await store(deps, input);
      } catch (error) {
        if ((await deps.database.asService().count(User, { id: input.userId })) > 0) throw error;
        // The account was erased since the session was asked for: nothing of it stays, and every later step finds it gone.
        await deps.contents.erase(input.sessionId);
        return { createdAt: new Date().toISOString() };
      }
    },
  };
}

async function store(deps: CreateDeps, input: SessionWorkflowInput): Promise<{ createdAt: string }> {
  const em = deps.database.asService();
  const content = await deps.contents.getStored(input.contentKey);
  const event = await insertSession(em, {
    id: input.sessionId,
    userId: input.userId,
    sessionType: input.sessionType,
    cue: content.cue,
    metadata: keptMetadata(content),
    fingerprint: input.fingerprint,
    contentKey: input.contentKey,
    hasImpressions: input.hasImpressions,
  });
  if (event === null) return { createdAt: await readCreatedAt(em, input.sessionId) };
  deps.metrics.sessionsCreatedTotal.inc({ session_type: input.sessionType });
  const impressions = cachedImpressions(input.contentKey, content);
  await Promise.all([
    announce(deps, input.sessionId, event),
    impressions && deps.cache.putSession(input.sessionId, impressions),
  ]);
  return { createdAt: event.timestamp };
}
