import pMap from 'p-map';
import type { Database } from '../db/database.ts';
import {
  attachmentsOf,
  claimBills,
  existingAccounts,
  existingSessions,
  openSessions,
  unfinishedWork,
} from '../db/recovery.ts';
import { ApiError } from '../domain/errors.ts';
import { tierTerms } from '../domain/tiers.ts';
import type { WorkflowClient } from '../temporal/client.ts';
import type { Recovery } from '../temporal/recovery.ts';
import { unlessEnded } from './endWorkflow.ts';
import { restartSession } from './restart.ts';

/** Taking up, after a restore, what was under way when the backup was taken. */

interface TakeUpDeps {
  database: Database;
  workflows: WorkflowClient;
  recovery: Recovery;
}

interface TakenUp {
  /** Sessions that go on from their rows. */
  restarted: number;
  /** Sessions that came after the backup and whose workflows were told to end. */
  cancelled: number;
  /** What was erased after the backup, and is again. */
  erasedAgain: number;
}

const concurrency = 8;

/**
 * Each part may be done again. Every open session is started again from its row, in place of the run that there may be;
 * what Temporal knows and the database does not is told to end; what was erased after the backup is erased again.
 */
export async function takeUp(
  deps: TakeUpDeps,
  { takenAt, openedAt }: { takenAt: Date; openedAt: Date },
): Promise<TakenUp> {
  // First: what was erased must not be restarted, nor be there for long.
  const erasedAgain = await eraseAgain(deps, takenAt);
  const cancelled = await cancelUnknown(deps, openedAt);
  await claimPerhapsBilled(deps, takenAt);
  const open = await openSessions(deps.database.asService());
  const restarted = await pMap(open, ({ sessionId }) => restart(deps, sessionId), { concurrency });
  await resumeRest(deps);
  return { restarted: restarted.filter(Boolean).length, cancelled, erasedAgain };
}

/**
 * Writes down as claimed the bills of open sessions of which Stripe may have heard after the backup was taken: the steps
 * then tell them again while Stripe counts them once, and ask a person after that.
 */
export async function claimPerhapsBilled(
  { database, recovery }: Pick<TakeUpDeps, 'database' | 'recovery'>,
  takenAt: Date,
): Promise<void> {
  const em = database.asService();
  const claims = await pMap(
    await openSessions(em),
    async ({ tier, ...ids }) =>
      (await recovery.mayBeBilled(ids.sessionId)) ? [{ ...ids, units: tierTerms[tier].unitsPerSession }] : [],
    { concurrency },
  );
  await claimBills(em, claims.flat(), takenAt);
}

async function eraseAgain({ database, workflows, recovery }: TakeUpDeps, takenAt: Date): Promise<number> {
  const em = database.asService();
  const erased = await recovery.erasedSince(takenAt);
  const { erasures } = await unfinishedWork(em);
  const accounts = await existingAccounts(em, [...new Set([...erased.accounts, ...erasures])]);
  const sessions = [...(await existingSessions(em, erased.sessions))];
  const attachments = await attachmentsOf(em, erased.attachments);
  await pMap(accounts, (userId) => recovery.eraseAccount(userId), { concurrency });
  await pMap(sessions, (sessionId) => workflows.eraseSession(sessionId), { concurrency });
  await pMap(attachments, ({ ids, owner }) => workflows.eraseAttachment(ids, owner), { concurrency });
  return accounts.length + sessions.length + attachments.length;
}

async function cancelUnknown({ database, workflows, recovery }: TakeUpDeps, openedAt: Date): Promise<number> {
  const open = await recovery.openSessionsBefore(openedAt);
  const existing = await existingSessions(database.asService(), open);
  const unknown = open.filter((id) => !existing.has(id));
  await pMap(unknown, (sessionId) => unlessEnded(workflows.cancelSession(sessionId)), { concurrency });
  return unknown.length;
}

/** False when it came to its end meanwhile. */
async function restart(deps: TakeUpDeps, sessionId: string): Promise<boolean> {
  try {
    await restartSession(deps, { sessionId });
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.code === 'session_ended' || error.code === 'not_found')) return false;
    throw error;
  }
}

async function resumeRest({ database, workflows }: TakeUpDeps): Promise<void> {
  const { attachments, deliveries } = await unfinishedWork(database.asService());
  await pMap(attachments, ({ ids, owner }) => workflows.restartAttachment(ids, owner), { concurrency });
  await pMap(deliveries, ({ id, ...owner }) => workflows.startWebhookDelivery(id, owner), { concurrency });
}
