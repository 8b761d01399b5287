import { randomUUID } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { readRestartable } from '../db/sessionRestart.ts';
import { ApiError } from '../domain/errors.ts';
import { isTerminal, type RestartPoint } from '../domain/session.ts';
import type { WorkflowClient } from '../temporal/client.ts';
import type { SessionRun } from '../temporal/observer.ts';

export interface RestartDeps {
  database: Database;
  workflows: WorkflowClient;
}

export interface RestartRequest {
  sessionId: string;
  /** Where it goes on; where its row says unless given. */
  from?: RestartPoint;
  /** Asking again under the same id restarts once; each call is one of its own unless given. */
  id?: string;
}

/**
 * Takes a session on from its row by starting its workflow again, in place of the run that there may be: the one
 * mechanism for a history that cannot be replayed, a workflow that is missing, and a step that is done again or left
 * out (docs/decisions/23-operator-actions.md). What the run before was asked for is kept, so an analysis that was
 * asked for is made, and a cancellation that was asked for wins over `from`.
 *
 * @returns where it goes on; null where its row says
 * @throws ApiError `not_found`, `session_ended`, `outcome_recorded`
 */
export async function restartSession(
  { database, workflows }: RestartDeps,
  { sessionId, from, id = randomUUID() }: RestartRequest,
): Promise<RestartPoint | null> {
  const row = await readRestartable(database.asService(), sessionId);
  if (row === null) throw new ApiError('not_found');
  const { input, status, hasOutcome } = row;
  if (isTerminal(status)) throw new ApiError('session_ended');
  if (from === 'analyze' && hasOutcome) throw new ApiError('outcome_recorded');
  const asked = await workflows.askedOfSession(input.sessionId);
  const point = asked?.cancellation === true ? 'cancellation' : (from ?? null);
  if (asked?.restartId === id) return point;
  const analyzeAtOnce = asked?.analysis ?? false;
  await workflows.restartSession({ ...input, analyzeAtOnce, restart: { id, from: point } }, status);
  // What came while an attempt at the run before was under way stands in its history only now that the run has ended.
  const late = asked && (await workflows.askedOfSession(input.sessionId, asked.runId));
  if (late?.analysis === true && !analyzeAtOnce) await workflows.startAnalysis(input.sessionId);
  if (late?.cancellation === true && point !== 'cancellation') await workflows.cancelSession(input.sessionId);
  return point;
}

/**
 * Restarts a session whose workflow would do nothing of what it is asked: what its owner presses comes to its end all
 * the same. False when there was no need to.
 *
 * @throws ApiError `not_found`, `session_ended`
 */
export async function restartIfBroken(deps: RestartDeps, request: RestartRequest): Promise<boolean> {
  if (!isBroken(await deps.workflows.describeSession(request.sessionId))) return false;
  await restartSession(deps, request);
  return true;
}

/** Whether a session's workflow is not there, has ended, or fails at each step of its own. */
export function isBroken(run: SessionRun | null): boolean {
  return run?.status !== 'RUNNING' || (run.workflowTask !== null && run.workflowTask.failure !== null);
}
