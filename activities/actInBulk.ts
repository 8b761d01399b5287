import { activityInfo } from '@temporalio/activity';
import { actOnNextInBulk } from '../operations/bulk.ts';
import type { RestartDeps } from '../operations/restart.ts';
import { whileHeartbeating } from './heartbeating.ts';

/** After so many attempts what still fails is written down as failed, so that one session does not hold up the others. */
const patientAttempts = 5;

/** A part of an action in bulk. */
export function createActInBulkActivities(deps: RestartDeps) {
  return {
    /** Does it to the next sessions, and says how many are left; none when it was stopped. */
    async actInBulk({ bulkId, limit }: { bulkId: string; limit: number }): Promise<{ left: number }> {
      const givesUp = activityInfo().attempt > patientAttempts;
      return { left: await whileHeartbeating(() => actOnNextInBulk(deps, { bulkId, limit, givesUp })) };
    },
  };
}
