import { defineUpdate, log, proxyActivities, setHandler } from '@temporalio/workflow';

const { traced } = /** @type {{ traced(step: string): Promise<void> }} */ (
  proxyActivities({ startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 2 } })
);

/**
 * A workflow with the shape of a session's: an update answers after its first activity, others follow.
 */
export async function tracedWorkflow() {
  const first = traced('first');
  setHandler(defineUpdate('created'), () => first);
  log.info('inside the workflow');
  await first;
  await traced('second');
}
