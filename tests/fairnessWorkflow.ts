import { proxySinks, type Sinks } from '@temporalio/workflow';
import type { SessionWorkflowInput } from '../domain/session.ts';
import { steps } from '../workflows/sessionActivities.ts';

export interface OrderSinks extends Sinks {
  order: { began(userId: string): void };
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
