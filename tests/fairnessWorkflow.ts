import { proxySinks, type Sinks } from '@temporalio/workflow';
import type { AttachmentIds } from '../domain/attachments.ts';
import type { SessionWorkflowInput } from '../domain/session.ts';
import { steps } from '../workflows/sessionActivities.ts';

export interface OrderSinks extends Sinks {
  /** Of a session it is told whose it is, of the others which one it is. */
  order: { began(id: string): void };
}

const { order } = proxySinks<OrderSinks>();

/**
 * A session reduced to the one step that a queue is long for. It stands for as many as its `contentKey` says, so that
 * ten thousand analyses wait after a few hundred starts.
 */
export async function sessionWorkflow(input: SessionWorkflowInput): Promise<void> {
  order.began(input.userId);
  await Promise.all(Array.from({ length: Number(input.contentKey) }, () => steps.analyze(input)));
}

/** A file, and a webhook, of which only the moment counts at which a worker takes it. */
export function attachmentWorkflow({ attachmentId }: AttachmentIds): Promise<void> {
  order.began(attachmentId);
  return Promise.resolve();
}

export function webhookDeliveryWorkflow({ deliveryId }: { deliveryId: string }): Promise<void> {
  order.began(deliveryId);
  return Promise.resolve();
}
