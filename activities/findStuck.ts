import { heartbeat } from '@temporalio/activity';
import { beginErasures, type ErasuresDeps } from '../operations/erasures.ts';
import { findStuckSessions, type StuckDeps } from '../operations/stuck.ts';

/** Searches for what does not go on by itself, as the schedule asks for it: erasures that were never begun, and stuck sessions. */
export function createFindStuckActivities(deps: StuckDeps & ErasuresDeps) {
  return {
    async findStuck(): Promise<void> {
      await beginErasures(deps);
      await findStuckSessions(deps, { onProgress: heartbeat });
    },
  };
}
