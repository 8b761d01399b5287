import pMap from 'p-map';
import { v5 as uuidV5, v7 as uuidV7 } from 'uuid';
import { insertAuditEntry, type AuditDetails } from '../db/auditEntries.ts';
import {
  beginInBulk,
  countLeftInBulk,
  endBulkAction,
  insertBulkAction,
  isBegunInBulk,
  isStillChosen,
  nextInBulk,
  previewBulkAction,
  readBulkAction,
  readBulkProgress,
  type BulkAction,
  type BulkProgress,
} from '../db/bulkActions.ts';
import type { OperatorsFilters, OperatorsRow } from '../db/stuckSessions.ts';
import { ApiError } from '../domain/errors.ts';
import type { Act, ActionOutcome, Actor } from '../domain/operations.ts';
import { openStatuses } from '../domain/session.ts';
import { WorkflowUnavailableError } from '../temporal/client.ts';
import { askedOf, performAct } from './act.ts';
import type { RestartDeps } from './restart.ts';

export interface BulkRequest {
  act: Act;
  filters: OperatorsFilters;
  reason: string;
  by: Actor;
  /** The most sessions a second, 1 to 100. */
  perSecond: number;
  /** The most sessions that the operator expects. */
  atMost: number;
}

/** How many sessions the filters choose, and the newest of them. Nothing is done. */
export function previewBulk(
  { database }: RestartDeps,
  filters: OperatorsFilters,
  limit: number,
): Promise<{ count: number; sessions: OperatorsRow[] }> {
  return previewBulkAction(database.asService(), openOnes(filters), limit);
}

/**
 * Starts doing one thing to all sessions that the filters choose now, and says under which id.
 *
 * @throws ApiError `more_than_expected`
 */
export async function startBulk({ database, workflows }: RestartDeps, request: BulkRequest): Promise<BulkProgress> {
  const { atMost, filters, ...action } = request;
  const id = uuidV7();
  await database.asService().transactional(async (em) => {
    const count = await insertBulkAction(em, { ...action, id, filters: openOnes(filters) });
    if (count > atMost) throw new ApiError('more_than_expected');
    // Before it is committed, so that none is written down that nothing works on; the work waits for the row.
    await workflows.startBulkAction({ bulkId: id, perSecond: action.perSecond });
  });
  const progress = await readBulkProgress(database.asService(), id);
  if (progress === null) throw new Error('An action in bulk that was written down is gone');
  return progress;
}

/** Stops it: what was done stays done. One that has ended stays as it is. @throws ApiError `not_found` */
export async function stopBulk({ database }: RestartDeps, id: string): Promise<BulkProgress> {
  await endBulkAction(database.asService(), id, 'stopped');
  const progress = await readBulkProgress(database.asService(), id);
  if (progress === null) throw new ApiError('not_found');
  return progress;
}

/** Nothing can be done to a session that has ended. */
function openOnes(filters: OperatorsFilters): OperatorsFilters {
  return { ...filters, statuses: filters.statuses ?? openStatuses };
}

/** Thrown when the action is not there: it is not committed yet, or never was. */
class BulkActionMissingError extends Error {
  override readonly name = 'BulkActionMissingError';
}

/** How many sessions are worked on side by side. */
const atOnce = 10;

/**
 * Does an action in bulk to its next sessions, and says how many are left; none when it was stopped. With `givesUp`
 * what fails is written down as failed in place of being thrown, unless Temporal cannot be reached.
 */
export async function actOnNextInBulk(
  deps: RestartDeps,
  { bulkId, limit, givesUp }: { bulkId: string; limit: number; givesUp: boolean },
): Promise<number> {
  const em = () => deps.database.asService();
  const action = await readBulkAction(em(), bulkId);
  if (action === null && !givesUp) throw new BulkActionMissingError('There is no such action in bulk');
  if (action?.state !== 'running') return 0;
  const sessionIds = await nextInBulk(em(), bulkId, limit);
  const act = (sessionId: string) => actInBulk(deps, action, sessionId, givesUp);
  await pMap(sessionIds, act, { concurrency: atOnce, stopOnError: false });
  const left = await countLeftInBulk(em(), bulkId);
  if (left === 0) await endBulkAction(em(), bulkId, 'completed');
  return left;
}

async function actInBulk(deps: RestartDeps, action: BulkAction, sessionId: string, givesUp: boolean): Promise<void> {
  const { id, act, reason, filters, byUser, byCommand } = action;
  const by: Actor = byUser ? { userId: byUser } : { command: byCommand ?? '' };
  const em = () => deps.database.asService();
  const write = (outcome: ActionOutcome, facts: AuditDetails) =>
    insertAuditEntry(em(), {
      ...{ action: act.action, by, sessionId, reason, bulkId: id, outcome },
      details: { ...facts, ...askedOf(act) },
    });
  // Begun before, by a worker that died on it or still is on it: what is refused now it may have done itself.
  let wasBegun = false;
  try {
    if (await isStillChosen(em(), sessionId, filters)) {
      wasBegun = await beginInBulk(em(), id, sessionId);
      const acted = await performAct(deps, { sessionId, act, restartId: uuidV5(sessionId, id) });
      await write('done', { ...acted });
    } else {
      // Asked after: where it is not chosen any more because of what was done to it here, it was begun before.
      const outcome = (await isBegunInBulk(em(), id, sessionId)) ? 'done' : 'refused';
      await write(outcome, { code: 'no_longer_chosen' });
    }
  } catch (error) {
    if (error instanceof ApiError) await write(wasBegun ? 'done' : 'refused', { code: error.code });
    else if (!givesUp || error instanceof WorkflowUnavailableError) throw error;
    else await write('failed', { kind: error instanceof Error ? error.name : 'UnknownError' });
  }
}
