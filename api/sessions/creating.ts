import type { Database } from '../../db/database.ts';
import { findState } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';
import { keptMetadata, type SessionContent } from '../../domain/content.ts';
import type { SessionContentStore } from '../../integrations/sessionContent.ts';
import type { Logger } from '../../observability/logger.ts';
import { WorkflowUnavailableError, type StartOutcome, type WorkflowClient } from '../../temporal/client.ts';
import type { Caller } from '../auth/caller.ts';
import type { Capacity } from '../capacity.ts';
import { fingerprintOf, newId } from '../identity.ts';
import { requireKnownVersion } from './pinning.ts';
import type { SessionReader, Versioned } from './reading.ts';
import { sessionSchema, type NewSessionRequest, type SessionView } from './schemas.ts';

export interface CreateDeps {
  database: Database;
  contents: SessionContentStore;
  workflows: WorkflowClient;
  capacity: Capacity;
  reader: SessionReader;
  idempotencySecret: string;
  logger: Logger;
}

/**
 * Creates a session, or answers the one that the same Idempotency-Key and body created before. The content is staged
 * in object storage first; then the workflow's `create` step writes everything else, and has committed when this
 * returns. Whatever is staged and not taken is removed again.
 *
 * @throws ApiError `paused`, `queue_full`
 */
export async function createSession(
  deps: CreateDeps,
  caller: Caller,
  request: NewSessionRequest,
  idempotencyKey: string | undefined,
): Promise<Versioned<SessionView>> {
  const sessionId = newId('session', caller.userId, idempotencyKey);
  const fingerprint = fingerprintOf(request, deps.idempotencySecret);
  if (idempotencyKey !== undefined && (await wasCreated(deps, caller, sessionId, fingerprint))) {
    return readAgain(deps, caller, sessionId);
  }

  const { autoAnalyze, ...content } = request;
  deps.capacity.requireOpen();
  if (autoAnalyze && content.impressions !== undefined) await deps.capacity.requireRoom(caller);
  await requireKnownVersion(deps.database, content);
  const contentKey = await deps.contents.put({ sessionId, userId: caller.userId }, fingerprint, content);
  const staged = { sessionId, fingerprint, contentKey, content, autoAnalyze };
  const outcome = await start(deps, caller, staged, idempotencyKey);
  if (outcome.kind === 'started') {
    // Under a key the update may have joined an older one, and the session be further by now.
    if (idempotencyKey !== undefined) return readAgain(deps, caller, sessionId);
    return { view: createdView(caller, staged, outcome.answer.createdAt), seq: 1 };
  }
  try {
    if (outcome.kind === 'other_request') throw new ApiError('idempotency_key_reused');
    if (await wasCreated(deps, caller, sessionId, fingerprint)) return await readAgain(deps, caller, sessionId);
    throw new ApiError('session_ended');
  } catch (error) {
    if (error instanceof ApiError) await deps.contents.delete(contentKey);
    throw error;
  }
}

async function readAgain({ reader }: CreateDeps, caller: Caller, sessionId: string): Promise<Versioned<SessionView>> {
  const { view, seq } = await reader.read(caller, sessionId);
  return { view: view.opened(sessionSchema), seq };
}

interface Staged {
  sessionId: string;
  fingerprint: string;
  contentKey: string;
  content: SessionContent;
  autoAnalyze: boolean;
}

async function start(
  deps: CreateDeps,
  caller: Caller,
  { sessionId, fingerprint, contentKey, content, autoAnalyze }: Staged,
  idempotencyKey: string | undefined,
): Promise<StartOutcome<{ createdAt: string }>> {
  const hasImpressions = content.impressions !== undefined;
  try {
    return await deps.workflows.createSession({
      sessionId,
      userId: caller.userId,
      sessionType: content.sessionType,
      tier: caller.tier,
      fingerprint,
      contentKey,
      hasImpressions,
      analyzeAtOnce: hasImpressions && autoAnalyze,
    });
  } catch (error) {
    // Without a key the client cannot ask for this session again, so it must not appear later by itself.
    if (error instanceof WorkflowUnavailableError && idempotencyKey === undefined) cancelUnasked(deps, sessionId);
    throw error;
  }
}

/** The client is told of the outage at once; this goes on behind the answer, and may fail like the call before. */
function cancelUnasked({ workflows, logger }: CreateDeps, sessionId: string): void {
  workflows.cancelSession(sessionId).catch((error: unknown) => {
    logger.warn({ session_id: sessionId, error }, 'a session that could not be answered for was not cancelled');
  });
}

/** The session as it was stored: nobody else can have named it yet. */
function createdView(caller: Caller, { sessionId, content }: Staged, createdAt: string): SessionView {
  const { sessionType, cue, impressions } = content;
  return {
    id: sessionId,
    userId: caller.userId,
    sessionType,
    cue,
    status: 'created',
    step: 'create',
    metadata: keptMetadata(content),
    ...(impressions === undefined ? {} : { impressions }),
    createdAt,
    completedAt: null,
  };
}

/**
 * Whether this very request has created the session already.
 *
 * @throws ApiError `session_deleted`, `idempotency_key_reused`
 */
async function wasCreated(
  { database }: CreateDeps,
  caller: Caller,
  sessionId: string,
  fingerprint: string,
): Promise<boolean> {
  const state = await findState(database.asUser(caller.userId), sessionId);
  if (state === null) return false;
  if (state.fingerprint !== fingerprint) throw new ApiError('idempotency_key_reused');
  if (state.deleted) throw new ApiError('session_deleted');
  return true;
}
