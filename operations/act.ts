import { z } from 'zod';
import type { AuditDetails } from '../db/auditEntries.ts';
import { readRestartable } from '../db/sessionRestart.ts';
import { ApiError } from '../domain/errors.ts';
import { resetSteps, type Act, type ActMeans, type Actor } from '../domain/operations.ts';
import { isTerminal, sessionSteps, type SessionStatus, type SessionStep } from '../domain/session.ts';
import { WorkflowEndedError } from '../temporal/client.ts';
import type { SessionRun } from '../temporal/observer.ts';
import { audited } from './audited.ts';
import { isBroken, restartSession, type RestartDeps } from './restart.ts';

/**
 * What an operator can have done to a session (docs/decisions/23-operator-actions.md). Each may be asked for twice, and
 * none can bill twice; what cannot be done as things stand is refused by its code, and changes nothing.
 */

export const actSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.enum(['retry', 'pause', 'resume', 'skip']) }),
  z.strictObject({ action: z.literal('reset'), step: z.enum(resetSteps) }),
  z.strictObject({ action: z.literal('cancel'), deleteContent: z.boolean() }),
]) satisfies z.ZodType<Act>;

interface ActRequest {
  sessionId: string;
  act: Act;
  /** Names the restart that it may come to: asked again under the same name, the session is restarted once. */
  restartId?: string;
}

/** What was done: small facts, which the audit keeps. */
export interface Acted {
  means: ActMeans;
  /** Where the session was. */
  status: SessionStatus;
  /** The step that it was about. */
  step: SessionStep | null;
}

/** Does it, and writes down who had it done and why, and what came of it. @throws ApiError as `performAct` */
export function actOnSession(
  deps: RestartDeps,
  { act, by, reason, ...asked }: { sessionId: string; act: Act; by: Actor; reason: string },
): Promise<Acted> {
  // A workflow is found by its exact name, and an id may be written in two ways.
  const sessionId = asked.sessionId.toLowerCase();
  const press = { action: act.action, by, reason, sessionId, details: askedOf(act) };
  return audited(
    deps.database,
    press,
    () => performAct(deps, { sessionId, act }),
    (acted) => ({ ...acted }),
  );
}

/** What the audit keeps of what was asked for, beside the action. */
export function askedOf(act: Act): AuditDetails {
  return act.action === 'cancel' ? { deleteContent: act.deleteContent } : {};
}

/** A session and its newest run, as they stand. */
interface Standing {
  status: SessionStatus;
  isParked: boolean;
  run: SessionRun | null;
  /** Nothing that is asked of its workflow would be done: it is not there, has ended, or fails at each step of its own. */
  isBroken: boolean;
}

/**
 * Does it, and writes nothing down.
 *
 * @throws ApiError `not_found`, `session_ended`, `not_stuck`, `nothing_to_pause`, `not_paused`, `step_not_reached`,
 *   `not_skippable`, `outcome_recorded`
 */
export async function performAct(deps: RestartDeps, request: ActRequest): Promise<Acted> {
  const { sessionId, act } = request;
  const standing = await standingOf(deps, sessionId);
  const { status } = standing;
  if (isTerminal(status) && !(act.action === 'cancel' && act.deleteContent && status === 'cancelled')) {
    throw new ApiError('session_ended');
  }
  try {
    switch (act.action) {
      case 'retry':
        return { status, ...(await retry(deps, request, standing)) };
      case 'pause':
        return { status, ...(await pause(deps, sessionId, standing)) };
      case 'resume':
        return { status, ...(await resume(deps, sessionId, standing)) };
      case 'reset':
        if (positionOf(act.step) > positionOf(stepOf(status))) throw new ApiError('step_not_reached');
        return { status, ...(await restart(deps, request, act.step)) };
      case 'skip':
        if (status !== 'notifying') throw new ApiError('not_skippable');
        return { status, ...(await restart(deps, request, 'bill')), step: 'notify' };
      case 'cancel':
        return { status, ...(await cancel(deps, request, standing, act)) };
    }
  } catch (error) {
    if (!(error instanceof WorkflowEndedError)) throw error;
    // Between the look and the call the session came forward: what was to be done is past.
    throw new ApiError(lateCodes[act.action], [], { cause: error });
  }
}

const lateCodes = {
  retry: 'not_stuck',
  pause: 'nothing_to_pause',
  resume: 'not_paused',
  reset: 'session_ended',
  skip: 'session_ended',
  cancel: 'session_ended',
} as const;

async function standingOf({ database, workflows }: RestartDeps, sessionId: string): Promise<Standing> {
  const run = await workflows.describeSession(sessionId);
  // After the workflow: a step that ends in between is seen.
  const row = await readRestartable(database.asService(), sessionId);
  if (row === null && run?.status !== 'RUNNING') throw new ApiError('not_found');
  return {
    status: row?.status ?? 'pending',
    isParked: row?.isParked ?? false,
    run,
    isBroken: isBroken(run),
  };
}

type Done = Omit<Acted, 'status'>;

async function retry(
  deps: RestartDeps,
  request: ActRequest,
  { status, isParked, run, isBroken }: Standing,
): Promise<Done> {
  const { sessionId } = request;
  if (isBroken) return restart(deps, request);
  const activities = run?.activities ?? [];
  const step = sessionSteps.find((known) => activities.some((activity) => activity.step === known)) ?? stepOf(status);
  if (activities.some((activity) => activity.step === step && activity.state === 'backing_off')) {
    await deps.workflows.attemptNow(sessionId, step);
    return { means: 'attempt', step };
  }
  // With nothing under way it waits for a person, or for a model that is paused.
  const waits = activities.length === 0 && run?.workflowTask === null && status !== 'created';
  if (!isParked && !waits) throw new ApiError('not_stuck');
  await deps.workflows.retrySession(sessionId);
  return { means: 'signal', step };
}

async function pause({ workflows }: RestartDeps, sessionId: string, { run }: Standing): Promise<Done> {
  const step = sessionSteps.find((known) => run?.activities.some((activity) => activity.step === known));
  if (step === undefined) throw new ApiError('nothing_to_pause');
  await workflows.pauseStep(sessionId, step);
  return { means: 'pause', step };
}

async function resume({ workflows }: RestartDeps, sessionId: string, { run }: Standing): Promise<Done> {
  const paused = run?.activities.find(({ state }) => state === 'paused');
  const step = sessionSteps.find((known) => known === paused?.step);
  if (step === undefined) throw new ApiError('not_paused');
  await workflows.resumeStep(sessionId, step);
  return { means: 'pause', step };
}

/** Where the session goes on; where its row says unless given. */
async function restart(
  deps: RestartDeps,
  { sessionId, restartId: id }: ActRequest,
  from?: 'analyze' | 'notify' | 'bill' | 'cancellation',
): Promise<Done> {
  const point = await restartSession(deps, { sessionId, ...(from && { from }), ...(id && { id }) });
  if (point === 'cancellation') return { means: 'cancellation', step: null };
  return { means: 'restart', step: point };
}

async function cancel(
  deps: RestartDeps,
  request: ActRequest,
  { status, isParked, isBroken }: Standing,
  { deleteContent }: { deleteContent: boolean },
): Promise<Done> {
  const { sessionId } = request;
  if (status === 'pending' && isBroken) {
    // It was deleted, or never stored, so there is no row to restart it from; an erasure ends such a workflow as well.
    await deps.workflows.eraseSession(sessionId);
    return { means: 'erasure', step: null };
  }
  // Its workflow lets the bill come to its own end first, which while Stripe is down takes hours.
  const isBilling = status === 'billing' && !isParked;
  if (!isTerminal(status)) {
    if (isBroken || isBilling) await restart(deps, request, 'cancellation');
    else await deps.workflows.cancelSession(sessionId);
  }
  if (!deleteContent) return { means: 'cancellation', step: null };
  // It is finished by itself, however long it takes.
  await deps.workflows.eraseSession(sessionId);
  return { means: 'erasure', step: null };
}

/** The step that a session in this status is at; before its analysis that is `create`. */
function stepOf(status: SessionStatus): SessionStep {
  switch (status) {
    case 'analyzing':
      return 'analyze';
    case 'notifying':
      return 'notify';
    case 'billing':
    case 'completed':
      return 'bill';
    case 'pending':
    case 'created':
    case 'failed':
    case 'cancelled':
    case 'expired':
      return 'create';
  }
}

function positionOf(step: SessionStep): number {
  return sessionSteps.indexOf(step);
}
