import type { Database } from '../db/database.ts';
import { readBillState, voidBill } from '../db/bills.ts';
import { readSessionType, recordStep } from '../db/sessionSteps.ts';
import { openStatuses, type TerminalStatus } from '../domain/session.ts';
import type { Billing } from '../integrations/billing.ts';
import type { Metrics } from '../observability/metrics.ts';
import { announce, type AnnounceDeps } from './announce.ts';

export interface CloseDeps extends AnnounceDeps {
  database: Database;
  billing: Billing;
  metrics: Metrics;
}

/** Ends a session before its last step: cancelled, expired or failed. Usage that Stripe may have taken is taken back. */
export function createCloseActivities(deps: CloseDeps) {
  return {
    async close({
      sessionId,
      status,
    }: {
      sessionId: string;
      status: Exclude<TerminalStatus, 'completed'>;
    }): Promise<void> {
      const em = deps.database.asService();
      if ((await readBillState(em, sessionId)) === 'sending') {
        await deps.billing.voidUsage({ sessionId });
        await voidBill(em, sessionId);
      }
      const sessionType = await readSessionType(em, sessionId);
      if (sessionType === null) return;
      const event = await recordStep(em, { sessionId, from: openStatuses, status, step: null, type: status });
      if (event === null) return;
      deps.metrics.sessionsCompletedTotal.inc({ session_type: sessionType, status });
      await announce(deps, sessionId, event);
    },
  };
}
