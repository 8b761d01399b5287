import { setTimeout as wait } from 'node:timers/promises';
import { secondMs } from '../domain/time.ts';
import { WorkflowEndedError, type WorkflowClient } from '../temporal/client.ts';
import type { SessionRun } from '../temporal/observer.ts';
import { isBroken } from './restart.ts';

type Workflows = Pick<WorkflowClient, 'cancelSession' | 'describeSession' | 'terminateSession'>;

/** Thrown while Stripe may be told of a session that is gone: what it takes can be taken back only after that. */
class BillUnderWayError extends Error {
  override readonly name = 'BillUnderWayError';
}

/** How long a workflow has to show what it makes of its cancellation; one that no worker takes up shows nothing. */
const answerMs = 5 * secondMs;
/** A session's owner waits for it, and most answer within fifty milliseconds. */
const lookEveryMs = 15;

/**
 * Ends the workflow of a session that is gone. One that can process its cancellation ends by itself, in its own time;
 * the run of one that cannot would stay open for ever, so it is terminated.
 *
 * @returns whether nothing of it runs any more, so that its usage is to be taken back by whoever asks
 */
export async function endWorkflow(workflows: Workflows, sessionId: string): Promise<boolean> {
  let run = await workflows.describeSession(sessionId);
  if (!isBroken(run)) {
    await unlessEnded(workflows.cancelSession(sessionId));
    run = await answered(workflows, sessionId);
  }
  if (!isBroken(run)) return false;
  if (run?.activities.some(({ step, state }) => step === 'bill' && state === 'running')) {
    throw new BillUnderWayError('An attempt at the bill has not ended');
  }
  if (run?.status === 'RUNNING') await unlessEnded(workflows.terminateSession(sessionId));
  return true;
}

/** The run once its next step is done or has failed. */
async function answered(workflows: Workflows, sessionId: string): Promise<SessionRun | null> {
  const deadlineMs = performance.now() + answerMs;
  for (;;) {
    const run = await workflows.describeSession(sessionId);
    if (isBroken(run) || run?.workflowTask === null || performance.now() > deadlineMs) return run;
    await wait(lookEveryMs);
  }
}

/** What was asked of a workflow that has ended needs nothing more. */
export async function unlessEnded(asked: Promise<void>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof WorkflowEndedError)) throw error;
  }
}
