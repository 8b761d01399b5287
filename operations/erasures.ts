import { closeAccount, erasuresLeft } from '../db/accountErasures.ts';
import type { Database } from '../db/database.ts';
import { minuteMs } from '../domain/time.ts';
import type { Revocations } from '../integrations/revocations.ts';
import type { WorkflowClient } from '../temporal/client.ts';

export interface ErasuresDeps {
  database: Database;
  workflows: Pick<WorkflowClient, 'eraseAccount'>;
}

/** Whoever asked has begun it by now, if Temporal could be reached. */
const surelyBegunMs = minuteMs;

/** Begins the erasures of accounts that were asked for while Temporal could not be reached; one that is under way goes on. */
export async function beginErasures({ database, workflows }: ErasuresDeps): Promise<void> {
  const left = await erasuresLeft(database.asService(), surelyBegunMs);
  for (const userId of left) await workflows.eraseAccount({ userId });
}

interface DoorsDeps {
  database: Database;
  revocations: Pick<Revocations, 'revoke' | 'announce'>;
}

/** Nobody comes in to the account or its sessions any more, and whoever is in is out. Safe to run again. */
export async function closeDoors({ database, revocations }: DoorsDeps, userId: string): Promise<void> {
  const { loginIds, keyAndShareIds } = await closeAccount(database.asService(), userId);
  await Promise.all([revocations.revoke(loginIds), revocations.announce(keyAndShareIds)]);
}
