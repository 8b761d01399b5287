import { heartbeat } from '@temporalio/activity';
import { findStuckSessions, type StuckDeps } from '../operations/stuck.ts';

/** Searches for stuck sessions, as the schedule asks for it. */
export function createFindStuckActivities(deps: StuckDeps) {
  return {
    async findStuck(): Promise<void> {
      await findStuckSessions(deps, { onProgress: heartbeat });
    },
  };
}
