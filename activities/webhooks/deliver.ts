import type { Database } from '../../db/database.ts';
import { findDueDelivery, recordAttempt, type DueDelivery } from '../../db/webhooks.ts';
import { retryDelayMs, type AttemptFailure } from '../../domain/webhooks.ts';
import type { WebhookSecrets } from '../../integrations/webhookSecrets.ts';
import type { WebhookSender } from '../../integrations/webhookSender.ts';
import type { Metrics } from '../../observability/metrics.ts';

interface DeliverDeps {
  database: Database;
  webhookSecrets: WebhookSecrets;
  webhookSender: WebhookSender;
  metrics: Metrics;
}

/** The status by which an endpoint says that it is gone for good. */
const goneStatus = 410;

/** One attempt at a delivery. It is made at least once: an attempt that dies before it is recorded is made again. */
export function createWebhookActivities(deps: DeliverDeps) {
  return {
    /** @returns how long to wait before the next attempt; null when there is none to be made */
    async deliverWebhook({ deliveryId }: { deliveryId: string }): Promise<{ retryInMs: number | null }> {
      const em = deps.database.asService();
      const due = await findDueDelivery(em, deliveryId);
      if (due === null) return { retryInMs: null };
      const answer = await attempt(deps, deliveryId, due);
      const gone = answer.statusCode === goneStatus;
      const final = answer.failure === null || answer.failure === 'inactive' || gone;
      const retryInMs = final ? null : retryDelayMs(due.attempts + 1);
      deps.metrics.webhookAttemptsTotal.inc({ outcome: answer.failure ?? 'delivered' });
      await recordAttempt(em, { ...answer, id: deliveryId, gone, retryInMs });
      return { retryInMs };
    },
  };
}

async function attempt(
  { webhookSecrets, webhookSender }: DeliverDeps,
  deliveryId: string,
  { active, endpointId, url, secrets, type, occurredAt, data }: DueDelivery,
): Promise<{ statusCode: number | null; failure: AttemptFailure | null; durationMs: number | null }> {
  if (!active) return { statusCode: null, failure: 'inactive', durationMs: null };
  return webhookSender.send({
    url,
    id: `msg_${deliveryId}`,
    body: JSON.stringify({ type, timestamp: occurredAt, data }),
    secrets: await Promise.all(secrets.map((sealed) => webhookSecrets.open(endpointId, sealed))),
  });
}
