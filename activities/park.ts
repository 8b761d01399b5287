import type { Database } from '../db/database.ts';
import { recordStep } from '../db/sessionSteps.ts';
import { openStatuses, type SessionStep, type StuckCode } from '../domain/session.ts';
import { announce, type AnnounceDeps } from './announce.ts';

interface ParkDeps extends AnnounceDeps {
  database: Database;
}

/** Writes down that a session waits for a person, and that it goes on. */
export function createParkActivities(deps: ParkDeps) {
  return {
    async park(input: { sessionId: string; step: SessionStep; code: StuckCode; message: string }): Promise<void> {
      const { sessionId, step, code, message } = input;
      const event = await recordStep(deps.database.asService(), {
        sessionId,
        from: openStatuses,
        step,
        type: 'stuck',
        stuck: { step, code, message, since: new Date().toISOString() },
      });
      if (event !== null) await announce(deps, sessionId, event);
    },

    async resume({ sessionId, step }: { sessionId: string; step: SessionStep }): Promise<void> {
      const event = await recordStep(deps.database.asService(), {
        sessionId,
        from: openStatuses,
        step,
        type: 'retried',
      });
      if (event !== null) await announce(deps, sessionId, event);
    },
  };
}
