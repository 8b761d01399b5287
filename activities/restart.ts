import type { Database } from '../db/database.ts';
import { recordRestart } from '../db/sessionRestart.ts';
import type { RestartPoint, SessionStatus } from '../domain/session.ts';
import { announce, type AnnounceDeps } from './announce.ts';

interface RestartDeps extends AnnounceDeps {
  database: Database;
}

/** The first step of a session that is restarted: its row is put where it goes on. */
export function createRestartActivities(deps: RestartDeps) {
  return {
    /** Says where the session is from now on; null when it is gone. */
    async restart(input: {
      sessionId: string;
      from: RestartPoint | null;
    }): Promise<{ status: SessionStatus; createdAt: string } | null> {
      const restarted = await recordRestart(deps.database.asService(), input);
      if (restarted === null) return null;
      const { status, createdAt, event } = restarted;
      if (event !== null) await announce(deps, input.sessionId, event);
      return { status, createdAt };
    },
  };
}
