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
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  isTerminal,
  sessionTitles,
  type Restart,
  type SessionStatus,
  type SessionStep,
  type SessionWorkflowInput,
  type StuckCode,
  type TerminalStatus,
} from '../domain/session.ts';
import { dayMs, minuteMs, secondMs } from '../domain/time.ts';
import { neverCreatedFailure, refuseOtherRequest } from './requests.ts';
import { searchAttributes } from './searchAttributes.ts';
import { billUnderWayMs, close, park, restart, resume, steps } from './sessionActivities.ts';
import { isModelPaused, isUnanalyzable, stuckCodeOf, stuckMessages } from './stuck.ts';

/** The workflow id of a session; that it follows from the session's id is what makes creating one idempotent. */
export function sessionWorkflowId(sessionId: string): string {
  return `session-${sessionId}`;
}

/** How long a session may stay open for recording before it expires. */
const recordingLimitMs = 30 * dayMs;

/**
 * How long a session waits before it looks whether its paused model is back; twice as long each time, since every look
 * is written to a history that has an end.
 */
const pausedWaitMs = { first: 10 * secondMs, longest: 5 * minuteMs };

/** What a step does, as operators read it; how often it was tried stands at its pending activity. */
const stepStories: Record<SessionStep, string> = {
  create: 'stores the session',
  analyze: 'waits for a GPU worker, or is analyzed by one',
  notify: 'tells its owner',
  bill: 'tells Stripe of the usage',
};

/** Answers once the `create` step has committed, with the time of it. Rejected when the fingerprint is another request's. */
export const createdUpdate = defineUpdate<{ createdAt: string }, [{ fingerprint: string }]>('created');
/** The impressions are complete: analyze them. */
export const analyzeSignal = defineSignal('analyze');
/** Take a stuck session on from the step that gave up. */
export const retrySignal = defineSignal('retry');

/**
 * A session from its creation to its bill; each step is one activity. A step that gives up parks the session until
 * somebody retries or cancels it. Cancelling works at every point, but an attempt to create or to bill is never cut
 * off: it comes to its own end first, so that it is known what was stored and what was charged. A restarted one goes
 * on from its row, and does the steps that are left.
 */
export async function sessionWorkflow(input: SessionWorkflowInput): Promise<void> {
  let created: { createdAt: string } | undefined;
  let ended = false;
  let analysisRequested = input.analyzeAtOnce;
  let retryRequested = false;
  let modelVersion: string | undefined;

  setHandler(
    createdUpdate,
    async () => {
      await condition(() => created !== undefined || ended);
      if (created === undefined) {
        throw ApplicationFailure.nonRetryable('It ended before it was created', neverCreatedFailure);
      }
      return created;
    },
    { validator: refuseOtherRequest(input) },
  );
  setHandler(analyzeSignal, () => {
    analysisRequested = true;
  });
  setHandler(retrySignal, () => {
    retryRequested = true;
  });

  /** Tells operators, in the Web UI, where the session is. */
  function tell(...parts: string[]): void {
    setCurrentDetails([sessionTitles[input.sessionType], ...parts].join(' · '));
  }

  /**
   * Tells them by the search as well. It is not told of every step: each change of a search attribute is one more write
   * of Temporal's, and the step under way is the pending activity.
   */
  function show(status: SessionStatus): void {
    tell(status === 'created' ? 'waits for its person to record it' : status);
    upsertSearchAttributes([
      { key: searchAttributes.sessionStatus, value: status },
      ...(modelVersion === undefined ? [] : [{ key: searchAttributes.modelVersion, value: modelVersion }]),
    ]);
  }

  /** Runs a step until it succeeds, parking as often as it gives up. */
  async function run<T>(step: SessionStep, attempt: () => Promise<T>): Promise<T> {
    let pausedTries = 0;
    for (;;) {
      tell(step, stepStories[step]);
      try {
        return await attempt();
      } catch (error) {
        if (isCancellation(error) || isUnanalyzable(error)) throw error;
        if (isModelPaused(error)) await waitWhilePaused(step, pausedTries++);
        else await waitForRetry(step, stuckCodeOf(error));
      }
    }
  }

  /** Nothing failed: the step is tried again after a while, or when a retry is asked for. */
  async function waitWhilePaused(step: SessionStep, pausedTries: number): Promise<void> {
    tell(step, 'waits: its model is paused');
    retryRequested = false;
    await condition(() => retryRequested, Math.min(pausedWaitMs.first * 2 ** pausedTries, pausedWaitMs.longest));
  }

  async function waitForRetry(step: SessionStep, code: StuckCode): Promise<void> {
    const message = stuckMessages[code];
    tell(step, `stuck: ${message}`);
    upsertSearchAttributes([
      { key: searchAttributes.step, value: step },
      { key: searchAttributes.stuckReason, value: code },
    ]);
    retryRequested = false;
    await park({ sessionId: input.sessionId, step, code, message });
    await condition(() => retryRequested);
    upsertSearchAttributes([{ key: searchAttributes.stuckReason, value: null }]);
    await resume({ sessionId: input.sessionId, step });
  }

  /** False when the recording limit is over. */
  async function recorded(): Promise<boolean> {
    if (analysisRequested) return true;
    show('created');
    const isAsked = await condition(() => analysisRequested, recordingLimitMs);
    // From here on it waits for nobody, so a search for stuck sessions has to look at it.
    if (isAsked) show('analyzing');
    return isAsked;
  }

  async function end(status: Exclude<TerminalStatus, 'completed'>): Promise<TerminalStatus> {
    await CancellationScope.nonCancellable(() => close({ sessionId: input.sessionId, status }));
    show(status);
    return status;
  }

  async function create(): Promise<SessionStatus> {
    created = await run('create', () => CancellationScope.nonCancellable(() => steps.create(input)));
    return 'created';
  }

  /** Where a session goes on; one that is gone is past everything. */
  async function goOn({ from }: Restart): Promise<SessionStatus> {
    const at = await CancellationScope.nonCancellable(() => restart({ sessionId: input.sessionId, from }));
    if (at === null) return 'cancelled';
    created = { createdAt: at.createdAt };
    if (from !== 'cancellation' || isTerminal(at.status)) return at.status;
    // What an attempt of the run before may still tell Stripe has to be there before it is taken back.
    if (at.status === 'billing') await CancellationScope.nonCancellable(() => sleep(billUnderWayMs));
    return end('cancelled');
  }

  try {
    let at = input.restart === undefined ? await create() : await goOn(input.restart);
    if (at === 'created') at = (await recorded()) ? 'analyzing' : await end('expired');
    if (at === 'analyzing') {
      modelVersion = (await run('analyze', () => steps.analyze(input)))?.modelVersion;
      at = 'notifying';
    }
    if (at === 'notifying') {
      await run('notify', () => steps.notify(input));
      at = 'billing';
    }
    if (at === 'billing') {
      await run('bill', () => CancellationScope.nonCancellable(() => steps.bill(input)));
      show('completed');
    }
  } catch (error) {
    await end(isCancellation(error) ? 'cancelled' : 'failed');
    throw error;
  } finally {
    ended = true;
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}
