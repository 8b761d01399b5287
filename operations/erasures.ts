import { erasuresLeft } from '../db/accountErasures.ts';
import type { Database } from '../db/database.ts';
import type { WorkflowClient } from '../temporal/client.ts';

export interface ErasuresDeps {
  database: Database;
  workflows: Pick<WorkflowClient, 'eraseAccount'>;
}

/** Begins the erasures of accounts that were asked for while Temporal could not be reached; one that is under way goes on. */
export async function beginErasures({ database, workflows }: ErasuresDeps): Promise<void> {
  for (const userId of await erasuresLeft(database.asService())) await workflows.eraseAccount({ userId });
}
