import { beginAuditEntry, settleAuditEntry, type AuditDetails, type NewAuditEntry } from '../db/auditEntries.ts';
import type { Database } from '../db/database.ts';
import { ApiError } from '../domain/errors.ts';
import type { ActionOutcome } from '../domain/operations.ts';
import { DeploymentRefusedError } from '../temporal/deployments.ts';

/** What an operator presses once, before it is known what comes of it. */
type Press = Omit<NewAuditEntry, 'outcome' | 'bulkId'>;

/**
 * Writes down who presses what and why, does it, and writes down what came of it: `told` are the facts of an answer. So
 * nothing is done that is not written down, and what is still `begun` was cut off, and may have been done.
 */
export async function audited<T>(
  database: Database,
  press: Press,
  work: () => Promise<T>,
  told: (answer: T) => AuditDetails = () => ({}),
): Promise<T> {
  const id = await beginAuditEntry(database.asService(), press);
  const settle = (outcome: ActionOutcome, facts: AuditDetails) =>
    settleAuditEntry(database.asService(), id, { outcome, details: { ...press.details, ...facts } });
  let answer: T;
  try {
    answer = await work();
  } catch (error) {
    if (error instanceof ApiError) await settle('refused', { code: error.code });
    else if (error instanceof DeploymentRefusedError) await settle('refused', {});
    else await settle('failed', { kind: error instanceof Error ? error.name : 'UnknownError' });
    throw error;
  }
  await settle('done', told(answer));
  return answer;
}
