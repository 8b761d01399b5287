import { claimBill, releaseBill, rememberCustomer, type ClaimedBill } from '../db/bills.ts';
import { recordStep } from '../db/sessionSteps.ts';
import type { SessionType } from '../domain/session.ts';
import { tierTerms, type Tier } from '../domain/tiers.ts';
import { hourMs } from '../domain/time.ts';
import { BillingRejectedError, CardDeclinedError, type Billing } from '../integrations/billing.ts';
import type { Metrics } from '../observability/metrics.ts';
import { announce, type AnnounceDeps } from './announce.ts';
import { finalFailure } from './failures.ts';
import { queueWebhooks, type WebhookQueueDeps } from './webhooks/queue.ts';

interface BillDeps extends AnnounceDeps, WebhookQueueDeps {
  billing: Billing;
  metrics: Metrics;
}

/**
 * How long an unanswered call to Stripe may be repeated. Stripe keeps identifiers and idempotency keys for at least
 * 24 hours; past that a repeat could charge twice, so a person decides.
 */
const repeatableMs = 23 * hourMs;

interface BillInput {
  sessionId: string;
  userId: string;
  sessionType: SessionType;
  tier: Tier;
}

/** The last step: the session's usage goes to Stripe, exactly once, and the session is completed. */
export function createBillActivities(deps: BillDeps) {
  return {
    async bill(input: BillInput): Promise<void> {
      await complete(deps, input);
      await queueWebhooks(deps, input.sessionId, 'session.completed');
    },
  };
}

async function complete(deps: BillDeps, { sessionId, userId, sessionType, tier }: BillInput): Promise<void> {
  const em = deps.database.asService();
  const { unitsPerSession: units } = tierTerms[tier];
  const claimed = await claimBill(em, { sessionId, units });
  if (claimed === null) return;
  if (claimed.state === 'sending') await sendUsage(deps, { sessionId, userId, units }, claimed);
  const event = await recordStep(em, {
    sessionId,
    from: ['billing'],
    status: 'completed',
    step: 'bill',
    type: 'completed',
    progress: 1,
  });
  if (event === null) return;
  deps.metrics.sessionsCompletedTotal.inc({ session_type: sessionType, status: 'completed' });
  await announce(deps, sessionId, event);
}

async function sendUsage(
  { database, billing }: BillDeps,
  { sessionId, userId, units }: { sessionId: string; userId: string; units: number },
  { firstSentAt, email, stripeCustomerId }: ClaimedBill,
): Promise<void> {
  if (Date.now() - firstSentAt.getTime() > repeatableMs) {
    throw finalFailure('BillingUncertain', 'Stripe may or may not have taken the usage more than 23 hours ago');
  }
  const em = database.asService();
  try {
    const customerId = stripeCustomerId ?? (await billing.ensureCustomer({ userId, email }));
    if (stripeCustomerId === null) await rememberCustomer(em, userId, customerId);
    await billing.recordUsage({ sessionId, customerId, units, occurredAt: firstSentAt });
  } catch (error) {
    if (error instanceof CardDeclinedError) {
      await releaseBill(em, sessionId);
      throw finalFailure('CardDeclined', 'The payment was declined');
    }
    if (error instanceof BillingRejectedError) throw finalFailure('Rejected', 'Stripe refused the request');
    throw error;
  }
}
