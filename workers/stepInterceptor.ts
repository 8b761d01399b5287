import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { z } from 'zod';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';

/** What an activity's input says of the session, or the training, that it works for. */
const inputSchema = z.object({
  sessionId: z.uuid().optional(),
  userId: z.uuid().optional(),
  trainingId: z.uuid().optional(),
});

/**
 * Around every attempt of a step: one log line, one count, and failures that are safe to keep. A failure goes into the
 * workflow's history, where the words of a driver's error could quote what a person recorded; so only its kind goes
 * there, and the rest goes to the log, redacted.
 */
export class StepInterceptor implements ActivityInboundCallsInterceptor {
  private readonly context: Context;
  private readonly logger: Logger;
  private readonly metrics: Metrics;

  constructor(context: Context, { logger, metrics }: { logger: Logger; metrics: Metrics }) {
    this.context = context;
    this.logger = logger;
    this.metrics = metrics;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { activityType: step, attempt } = this.context.info;
    const { sessionId, userId, trainingId } = inputSchema.safeParse(input.args[0]).data ?? {};
    const fields = {
      session_id: sessionId,
      user_id: userId,
      ...(trainingId === undefined ? {} : { training_id: trainingId }),
      step,
      attempt,
    };
    const startedAt = performance.now();
    try {
      const result = await next(input);
      this.metrics.sessionStepAttemptsTotal.inc({ step, outcome: 'done' });
      this.logger.info({ ...fields, duration_ms: Math.round(performance.now() - startedAt) }, 'step done');
      return result;
    } catch (error) {
      const cancelled = error instanceof CancelledFailure;
      this.metrics.sessionStepAttemptsTotal.inc({ step, outcome: cancelled ? 'cancelled' : 'failed' });
      if (cancelled) this.logger.info(fields, 'step cancelled');
      else this.logger.error({ ...fields, error }, 'step failed');
      throw safeFailure(error);
    }
  }
}

/** The failure as the workflow's history may keep it. Our own failures are safe as they are. */
function safeFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const kind = error instanceof Error ? error.name : 'UnknownError';
  return ApplicationFailure.retryable(`${kind}; the log of the worker tells more`, kind);
}
