import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import { sessionWorkflow as unchanged } from '../../workflows/session.ts';
import type { SessionWorkflowInput } from '../../domain/session.ts';
import { taskQueues, webhookQueue } from '../../domain/taskQueues.ts';
import { minuteMs } from '../../domain/time.ts';

/*
 * The workflows with changes that their histories do not stand: what a replay must find, and what a deploy must survive.
 */

export * from '../../workflows/index.ts';

const { sendTheMail } = proxyActivities<{ sendTheMail: (input: unknown) => Promise<void> }>({
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: minuteMs,
});
const { deliverWebhook, deliverWebhookAgain } = proxyActivities<
  Record<'deliverWebhook' | 'deliverWebhookAgain', (input: unknown) => Promise<{ retryInMs: number | null }>>
>({ taskQueue: webhookQueue, startToCloseTimeout: minuteMs });

/** It starts a timer beside its first step. */
export async function sessionWorkflow(input: SessionWorkflowInput): Promise<void> {
  await Promise.all([unchanged(input), sleep(1)]);
}

/** Its step has another name. */
export async function accountMailWorkflow(input: unknown): Promise<void> {
  await sendTheMail(input);
}

/** Its second attempt has another name. */
export async function webhookDeliveryWorkflow(input: unknown): Promise<void> {
  let asked = 0;
  setHandler(defineSignal('deliver'), () => {
    asked += 1;
  });
  await condition(() => asked > 0);
  const { retryInMs } = await deliverWebhook(input);
  if (retryInMs === null) return;
  await condition(() => asked > 1, retryInMs);
  await deliverWebhookAgain(input);
}

/** It does nothing any more. */
export async function eraseWorkflow(): Promise<void> {
  await Promise.resolve();
}

/** It cannot run at all. */
export async function eraseAttachmentWorkflow(): Promise<void> {
  await Promise.reject(new TypeError('nothing works here'));
}
