import { continueAsNew, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { dayMs } from '../domain/time.ts';
import { buildExport, closeAccount, endExport, eraseAccount, sessionsToErase } from './accountActivities.ts';
import { eraseWorkflow } from './erase.ts';

/** The workflow id of an account's erasure: asking twice erases once. */
export function eraseAccountWorkflowId(userId: string): string {
  return `erase-account-${userId}`;
}

/** Erases everything of an account. It is a workflow so that what was begun is finished, whatever dies on the way. */
export async function eraseAccountWorkflow(input: { userId: string }): Promise<void> {
  await closeAccount(input);
  while (!(await eraseAccount(input))) {
    const sessionIds = await sessionsToErase(input);
    await Promise.all(sessionIds.map((sessionId) => eraseWorkflow({ sessionId })));
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof eraseAccountWorkflow>(input);
  }
}

/** The workflow id of the making of an archive. */
export function exportAccountWorkflowId(exportId: string): string {
  return `export-account-${exportId}`;
}

/** How long an archive can be fetched before it is removed. */
const exportLifetimeMs = 7 * dayMs;

/** Makes an archive of everything of an account, and removes it when its time is over. */
export async function exportAccountWorkflow(input: { userId: string; exportId: string }): Promise<void> {
  try {
    await buildExport({ ...input, lifetimeMs: exportLifetimeMs });
  } catch (error) {
    if (isCancellation(error)) throw error;
    await endExport({ ...input, state: 'failed' });
    throw error;
  }
  await sleep(exportLifetimeMs);
  await endExport({ ...input, state: 'expired' });
}
