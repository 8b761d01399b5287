import { sleep } from '@temporalio/workflow';

/** A session's workflow as no release ever had it: a history of it can be replayed by none of ours. */
export async function sessionWorkflow(): Promise<void> {
  await sleep('30 days');
}
