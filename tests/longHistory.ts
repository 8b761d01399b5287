import type { Client, WorkflowHandle } from '@temporalio/client';

/** Beyond this the server suggests a new run; it is the server's own default (`limit.historySize.suggestContinueAsNew`). */
const suggestedBeyondBytes = 4 * 1_024 ** 2;
/** What one signal may carry at the most is 2 MB. */
const signalBytes = 1_024 ** 2;

/**
 * Makes the history of a workflow that no worker has begun so long that the server suggests a new run from its first
 * task on: by signals that it does not know. Returns its first run.
 */
export async function makeHistoryLong(client: Client, workflowId: string): Promise<WorkflowHandle> {
  const newest = client.workflow.getHandle(workflowId);
  const { runId } = await newest.describe();
  for (let bytes = 0; bytes <= suggestedBeyondBytes; bytes += signalBytes) {
    await newest.signal('unknown', 'x'.repeat(signalBytes));
  }
  return client.workflow.getHandle(workflowId, runId);
}
