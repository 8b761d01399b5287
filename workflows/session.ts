import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { SessionStep, SessionWorkflowInput, StuckCode, TerminalStatus } from '../domain/session.ts';
import { dayMs } from '../domain/time.ts';
import { searchAttributes } from './searchAttributes.ts';
import { close, park, resume, steps } from './sessionActivities.ts';
import { isUnanalyzable, stuckCodeOf, stuckMessages } from './stuck.ts';

/** The workflow id of a session; that it follows from the session's id is what makes creating one idempotent. */
export function sessionWorkflowId(sessionId: string): string {
  return `session-${sessionId}`;
}

/** How long a session may stay open for recording before it expires. */
const recordingLimitMs = 30 * dayMs;

/** Answers once the `create` step has committed. Rejected when the fingerprint is another request's. */
export const createdUpdate = defineUpdate<undefined, [{ fingerprint: string }]>('created');
/** The impressions are complete: analyze them. */
export const analyzeSignal = defineSignal('analyze');
/** Take a stuck session on from the step that gave up. */
export const retrySignal = defineSignal('retry');

/** Type of the failure that rejects an update whose request is not the one that created the session. */
export const otherRequestFailure = 'OtherRequest';
/** Type of the failure of an update that waited for a session which ended before it was created. */
export const neverCreatedFailure = 'NeverCreated';

/**
 * A session from its creation to its bill; each step is one activity. A step that gives up parks the session until
 * somebody retries or cancels it. Cancelling works at every point, but an attempt to create or to bill is never cut
 * off: it comes to its own end first, so that it is known what was stored and what was charged.
 */
export async function sessionWorkflow(input: SessionWorkflowInput): Promise<void> {
  let created = false;
  let ended = false;
  let analysisRequested = input.analyzeAtOnce;
  let retryRequested = false;

  setHandler(
    createdUpdate,
    async () => {
      await condition(() => created || ended);
      if (!created) throw ApplicationFailure.nonRetryable('It ended before it was created', neverCreatedFailure);
      return undefined;
    },
    {
      validator: ({ fingerprint }) => {
        if (fingerprint === input.fingerprint) return;
        throw ApplicationFailure.nonRetryable('Another request created this session', otherRequestFailure);
      },
    },
  );
  setHandler(analyzeSignal, () => {
    analysisRequested = true;
  });
  setHandler(retrySignal, () => {
    retryRequested = true;
  });

  /** Runs a step until it succeeds, parking as often as it gives up. */
  async function run(step: SessionStep): Promise<void> {
    for (;;) {
      show(step);
      try {
        await attempt(step, input);
        return;
      } catch (error) {
        if (isCancellation(error) || isUnanalyzable(error)) throw error;
        await wait(step, stuckCodeOf(error));
      }
    }
  }

  async function wait(step: SessionStep, code: StuckCode): Promise<void> {
    show(step, code);
    retryRequested = false;
    await park({ sessionId: input.sessionId, step, code, message: stuckMessages[code] });
    await condition(() => retryRequested);
    await resume({ sessionId: input.sessionId, step });
  }

  async function end(status: Exclude<TerminalStatus, 'completed'>): Promise<void> {
    await CancellationScope.nonCancellable(() => close({ sessionId: input.sessionId, status }));
    upsertSearchAttributes([{ key: searchAttributes.sessionStatus, value: status }]);
    setCurrentDetails(status);
  }

  try {
    await run('create');
    created = true;
    if (!(await condition(() => analysisRequested, recordingLimitMs))) {
      await end('expired');
      return;
    }
    await run('analyze');
    await run('notify');
    await run('bill');
    upsertSearchAttributes([{ key: searchAttributes.sessionStatus, value: 'completed' }]);
    setCurrentDetails('completed');
  } catch (error) {
    await end(isCancellation(error) ? 'cancelled' : 'failed');
    throw error;
  } finally {
    ended = true;
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

/** One attempt at a step, with the retries of its policy. */
async function attempt(step: SessionStep, input: SessionWorkflowInput): Promise<void> {
  switch (step) {
    case 'create':
    case 'bill':
      await CancellationScope.nonCancellable(() => steps[step](input));
      return;
    case 'analyze':
    case 'notify':
      await steps[step](input);
  }
}

/** Tells operators in the Web UI, and in its search, which step is under way and why it is stuck. */
function show(step: SessionStep, stuck?: StuckCode): void {
  setCurrentDetails(stuck === undefined ? `${step} is under way` : `${step} is stuck: ${stuckMessages[stuck]}`);
  upsertSearchAttributes([
    { key: searchAttributes.step, value: step },
    { key: searchAttributes.stuckReason, value: stuck ?? null },
  ]);
}
