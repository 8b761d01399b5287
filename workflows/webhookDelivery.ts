import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { createWebhookActivities } from '../activities/webhooks/deliver.ts';
import { webhookQueue } from '../domain/taskQueues.ts';
import { minuteMs, secondMs } from '../domain/time.ts';

/** The workflow id of a delivery: it is attempted by one workflow at a time. */
export function webhookWorkflowId(deliveryId: string): string {
  return `webhook-${deliveryId}`;
}

/** Make an attempt now. It comes with the start, and again when its owner does not want to wait. */
export const deliverSignal = defineSignal('deliver');

/** What the receiver does is an outcome and no failure; what fails here is our own part, so it is tried for ever. */
const { deliverWebhook } = proxyActivities<ReturnType<typeof createWebhookActivities>>({
  taskQueue: webhookQueue,
  startToCloseTimeout: 30 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: minuteMs },
});

/** Delivers a webhook: an attempt, and further ones as long as the last one says when. */
export async function webhookDeliveryWorkflow(input: { deliveryId: string }): Promise<void> {
  let asked = 0;
  setHandler(deliverSignal, () => {
    asked += 1;
  });
  await condition(() => asked > 0);
  for (;;) {
    const answered = asked;
    const { retryInMs } = await deliverWebhook(input);
    if (retryInMs !== null) await condition(() => asked > answered, retryInMs);
    else if (asked === answered) return;
  }
}
