import { hostname } from 'node:os';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { insertStepFailure } from '../db/stepFailures.ts';
import type { FinalFailureType } from '../domain/failures.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { readEveryMs } from './following.ts';

/** What an activity's input says of the session, or the training, that it works for. */
const inputSchema = z.object({
  sessionId: z.uuid().optional(),
  userId: z.uuid().optional(),
  trainingId: z.uuid().optional(),
});

/**
 * Around every attempt of a step: a log line (and one at its beginning, for whoever debugs), a count, and for one that
 * failed a row and a failure that is safe to keep. A failure goes into the workflow's history, where the words of a
 * driver's error could quote what a person recorded; so only its kind goes there, and the rest to the log, redacted.
 */
export class StepInterceptor implements ActivityInboundCallsInterceptor {
  private readonly context: Context;
  private readonly logger: Logger;
  private readonly metrics: Metrics;
  private readonly database: Database;
  private readonly isPaused: () => boolean;

  constructor(
    context: Context,
    { logger, metrics, database }: { logger: Logger; metrics: Metrics; database: Database },
    isPaused: () => boolean = () => false,
  ) {
    this.context = context;
    this.logger = logger;
    this.metrics = metrics;
    this.database = database;
    this.isPaused = isPaused;
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
    this.logger.debug(fields, 'step begun');
    try {
      if (this.isPaused()) throw queuePaused();
      const result = await next(input);
      this.metrics.sessionStepAttemptsTotal.inc({ step, outcome: 'done' });
      this.logger.info({ ...fields, duration_ms: Math.round(performance.now() - startedAt) }, 'step done');
      return result;
    } catch (error) {
      const outcome = outcomeOf(error);
      this.metrics.sessionStepAttemptsTotal.inc({ step, outcome });
      if (outcome === 'failed') {
        this.logger.error({ ...fields, error }, 'step failed');
        if (sessionId !== undefined) await this.record(sessionId, error);
      } else this.logger.info(fields, `step ${outcome}`);
      throw safeFailure(error);
    }
  }

  /** For operators, who are shown every attempt. Where the database is what failed, the log alone has it. */
  private async record(sessionId: string, error: unknown): Promise<void> {
    const { activityType: step, attempt } = this.context.info;
    const worker = `${process.pid}@${hostname()}`;
    try {
      const failure = { sessionId, step, attempt, kind: kindOf(error).slice(0, 100), worker };
      await insertStepFailure(this.database.asService(), failure);
    } catch (failure) {
      this.logger.warn({ session_id: sessionId, step, attempt, error: failure }, 'the failed attempt was not recorded');
    }
  }
}

/** What a failure may be called where everybody may read it. */
function kindOf(error: unknown): string {
  if (error instanceof ApplicationFailure) return error.type ?? error.name;
  if (!(error instanceof Error)) return 'UnknownError';
  // Stripe's failures have their name in their class alone.
  return error.name === 'Error' ? error.constructor.name : error.name;
}

/** `postponed`: an operator paused what it needs, so nothing failed. */
function outcomeOf(error: unknown): 'cancelled' | 'postponed' | 'failed' {
  if (error instanceof CancelledFailure) return 'cancelled';
  return error instanceof ApplicationFailure && postponing.includes(error.type ?? '') ? 'postponed' : 'failed';
}

const queuePausedFailure = 'QueuePaused';
const postponing: readonly string[] = ['ModelPaused' satisfies FinalFailureType, queuePausedFailure];

/**
 * A step that came around the queue, with the answer that scheduled it, while the queue is paused: it goes into the
 * queue and waits there like the others. That takes one of its attempts; were it tried again at once, a queue that goes
 * on could take all of them before its workers have read that it does.
 */
function queuePaused(): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'The queue is paused',
    type: queuePausedFailure,
    nextRetryDelay: readEveryMs,
  });
}

/** The failure as the workflow's history may keep it. Our own failures are safe as they are. */
function safeFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const kind = kindOf(error);
  return ApplicationFailure.retryable(`${kind}; the log of the worker tells more`, kind);
}
