import type { Database } from '../../db/database.ts';
import { queueDeliveries } from '../../db/webhooks.ts';
import type { Person } from '../../domain/tiers.ts';
import type { WebhookEventType } from '../../domain/webhooks.ts';

export interface WebhookQueueDeps {
  database: Database;
  /** Starts the workflow of a delivery, or asks the one that runs for an attempt. */
  startWebhookDelivery: (deliveryId: string, owner: Person) => Promise<void>;
}

/**
 * Has an event of a session told to its owner's endpoints; without any it is one statement. It comes after the event is
 * committed and belongs to the same attempt: one that dies in between is repeated, and finds the event there.
 */
export async function queueWebhooks(
  { database, startWebhookDelivery }: WebhookQueueDeps,
  sessionId: string,
  type: WebhookEventType,
): Promise<void> {
  const deliveries = await queueDeliveries(database.asService(), sessionId, type);
  await Promise.all(deliveries.map(({ id, ...owner }) => startWebhookDelivery(id, owner)));
}
