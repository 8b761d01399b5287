import { readBillState, voidBill } from '../db/bills.ts';
import { readSessionType, recordStep } from '../db/sessionSteps.ts';
import { openStatuses, type TerminalStatus } from '../domain/session.ts';
import type { Billing } from '../integrations/billing.ts';
import type { Metrics } from '../observability/metrics.ts';
import { announce, type AnnounceDeps } from './announce.ts';
import { queueWebhooks, type WebhookQueueDeps } from './webhooks/queue.ts';

interface CloseDeps extends AnnounceDeps, WebhookQueueDeps {
  billing: Billing;
  metrics: Metrics;
}

interface CloseInput {
  sessionId: string;
  status: Exclude<TerminalStatus, 'completed'>;
}

/** Ends a session before its last step: cancelled, expired or failed. Usage that Stripe may have taken is taken back. */
export function createCloseActivities(deps: CloseDeps) {
  return {
    async close(input: CloseInput): Promise<void> {
      await end(deps, input);
      if (input.status === 'failed') await queueWebhooks(deps, input.sessionId, 'session.failed');
    },
  };
}

async function end(deps: CloseDeps, { sessionId, status }: CloseInput): Promise<void> {
  const em = deps.database.asService();
  await takeUsageBack(deps, sessionId);
  const sessionType = await readSessionType(em, sessionId);
  if (sessionType === null) return;
  const event = await recordStep(em, { sessionId, from: openStatuses, status, step: null, type: status });
  if (event === null) return;
  deps.metrics.sessionsCompletedTotal.inc({ session_type: sessionType, status });
  await announce(deps, sessionId, event);
}

/** Takes back what Stripe may have taken of a session that is not completed. */
export async function takeUsageBack(
  { database, billing }: Pick<CloseDeps, 'database' | 'billing'>,
  sessionId: string,
): Promise<void> {
  const em = database.asService();
  if ((await readBillState(em, sessionId)) !== 'sending') return;
  await billing.voidUsage({ sessionId });
  await voidBill(em, sessionId);
}
