import { closeAccount, erasuresLeft } from '../db/accountErasures.ts';
import type { Database } from '../db/database.ts';
import type { Revocations } from '../integrations/revocations.ts';
import type { WorkflowClient } from '../temporal/client.ts';

export interface ErasuresDeps {
  database: Database;
  workflows: Pick<WorkflowClient, 'eraseAccount'>;
}

/** Begins the erasures of accounts that were asked for while Temporal could not be reached; one that is under way goes on. */
export async function beginErasures({ database, workflows }: ErasuresDeps): Promise<void> {
  for (const userId of await erasuresLeft(database.asService())) await workflows.eraseAccount({ userId });
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
