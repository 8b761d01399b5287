import { status } from '@grpc/grpc-js';
import { isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { SessionStep } from '../domain/session.ts';
import { hourMs } from '../domain/time.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { sessionWorkflowId } from '../workflows/session.ts';
import type { Platform } from './platform.ts';
import { until } from './until.ts';

/** Has a step that fails be tried again only after an hour, so that a test has all the time it needs in between. */
export async function putNextAttemptOff(
  { resources: { config } }: Pick<Platform, 'resources'>,
  sessionId: string,
  step: SessionStep,
): Promise<void> {
  const connection = await connectTemporal(config);
  const put = () =>
    connection.workflowService.updateActivityOptions({
      namespace: config.TEMPORAL_NAMESPACE,
      execution: { workflowId: sessionWorkflowId(sessionId) },
      type: step,
      activityOptions: { retryPolicy: { initialInterval: msToTs(hourMs), maximumInterval: msToTs(hourMs) } },
      updateMask: { paths: ['retry_policy.initial_interval', 'retry_policy.maximum_interval'] },
    });
  try {
    // The step may not be under way yet.
    await until(() =>
      put().catch((error: unknown) => {
        if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) return null;
        throw error;
      }),
    );
  } finally {
    await connection.close();
  }
}
