import { hourMs } from './time.ts';

/** The words of what operators do. No zod here: workflow code imports this file. */

/** What an operator can have done to a session, one or many. */
export const sessionActions = ['retry', 'pause', 'resume', 'reset', 'skip', 'cancel'] as const;
export type SessionAction = (typeof sessionActions)[number];

/** The steps that a session can be reset to. */
export const resetSteps = ['analyze', 'notify', 'bill'] as const;
export type ResetStep = (typeof resetSteps)[number];

/** What is to be done to a session. */
export type Act =
  | { action: 'retry' | 'pause' | 'resume' | 'skip' }
  | { action: 'reset'; step: ResetStep }
  | { action: 'cancel'; deleteContent: boolean };

/** By what an action took effect. */
export const actMeans = ['signal', 'attempt', 'pause', 'restart', 'cancellation', 'erasure'] as const;
export type ActMeans = (typeof actMeans)[number];

/** How an action in bulk stands. */
export const bulkStates = ['running', 'stopped', 'completed'] as const;
export type BulkState = (typeof bulkStates)[number];

/** What an operator can do that is written down, with who did it and why. */
export const operatorActions = [...sessionActions, 'decode', 'restore', 'ramp', 'rollback'] as const;
export type OperatorAction = (typeof operatorActions)[number];

/** How long a browser may read payloads before its operator signs in again. */
export const decodingLifetimeMs = hourMs;

/**
 * How an action ended: it happened, it was not possible as things stood, or it broke on the way. What is still `begun`
 * is under way, or was cut off and may have happened.
 */
export const actionOutcomes = ['begun', 'done', 'refused', 'failed'] as const;
export type ActionOutcome = (typeof actionOutcomes)[number];

/** Who acts: an account over the gateway, or whoever runs the command line on the machine of that name. */
export type Actor = { userId: string } | { command: string };
