import { CancelledFailure, getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { erase } from './sessionActivities.ts';
import { sessionWorkflowId } from './session.ts';

/** The workflow id of a session's erasure: asking twice erases once. */
export function eraseWorkflowId(sessionId: string): string {
  return `erase-${sessionId}`;
}

/**
 * Removes a session's content, results and cache for good. It is a workflow so that a deletion that was begun is
 * finished, whatever dies on the way.
 */
export async function eraseWorkflow(input: { sessionId: string }): Promise<void> {
  await erase(input);
  try {
    await getExternalWorkflowHandle(sessionWorkflowId(input.sessionId)).cancel();
  } catch (error) {
    // The session's workflow has ended already, and there is nothing to cancel.
    if (error instanceof CancelledFailure) throw error;
    log.debug('The session had ended before it was erased');
  }
}
