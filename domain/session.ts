/** The words of a session that everybody shares: types, statuses, steps. No zod here: workflow code imports this file. */

import type { Tier } from './tiers.ts';

export const sessionTypes = ['remote_viewing', 'dowsing', 'precognition', 'intuitive_analysis'] as const;
export type SessionType = (typeof sessionTypes)[number];

/** The types as people write them. */
export const sessionTitles: Record<SessionType, string> = {
  remote_viewing: 'Remote Viewing',
  dowsing: 'Dowsing',
  precognition: 'Precognition',
  intuitive_analysis: 'Intuitive Analysis',
};

/**
 * Where a session is. `pending` until the `create` step has committed, so a client never reads it from the API;
 * `created` while impressions are still recorded; then one status for each step under way; then one of the four ends.
 */
export const sessionStatuses = [
  'pending',
  'created',
  'analyzing',
  'notifying',
  'billing',
  'completed',
  'failed',
  'cancelled',
  'expired',
] as const;
export type SessionStatus = (typeof sessionStatuses)[number];

/** The steps of a session, each one activity, in their order. */
export const sessionSteps = ['create', 'analyze', 'notify', 'bill'] as const;
export type SessionStep = (typeof sessionSteps)[number];

/** The ends: a session in one of these never changes its status again. */
const terminalStatuses = ['completed', 'failed', 'cancelled', 'expired'] as const satisfies SessionStatus[];
export type TerminalStatus = (typeof terminalStatuses)[number];

/** The statuses of a session that is still under way. */
export const openStatuses = [
  'pending',
  'created',
  'analyzing',
  'notifying',
  'billing',
] as const satisfies SessionStatus[];
export type OpenStatus = (typeof openStatuses)[number];

/** Whether a session in this status has come to its end. */
export function isTerminal(status: SessionStatus): status is TerminalStatus {
  return terminalStatuses.some((terminal) => terminal === status);
}

/** Ids and small facts alone: the cue, the impressions and the results never enter a workflow's history. */
export interface SessionWorkflowInput {
  sessionId: string;
  userId: string;
  sessionType: SessionType;
  tier: Tier;
  /** Keyed hash of the request, by which a repeated request is told from another one. */
  fingerprint: string;
  /** Where the sealed content lies in object storage. */
  contentKey: string;
  hasImpressions: boolean;
  /** Analysis starts as soon as the session is created, without being asked for. */
  analyzeAtOnce: boolean;
  /** Takes a session that exists on from its row, in place of creating one. */
  restart?: Restart;
}

/** Where a restarted session can be put: at a step, at or before where it is, or straight at its cancellation. */
export const restartPoints = ['analyze', 'notify', 'bill', 'cancellation'] as const;
export type RestartPoint = (typeof restartPoints)[number];

/** One start of a session's workflow beside its first. */
export interface Restart {
  /** Asking twice under the same id restarts once. */
  id: string;
  /** Null goes on where the row says. */
  from: RestartPoint | null;
}

/** Why a session waits for a person: the step that gave up, a stable code, and one sentence that names no content. */
export interface StuckCause {
  step: SessionStep;
  code: StuckCode;
  message: string;
  since: string;
}

/**
 * Why a step gave up.
 * - `retries_exhausted`: every attempt failed for a reason that time may mend.
 * - `card_declined`: the payment was refused; trying again helps once the card is mended.
 * - `billing_uncertain`: it cannot be known any more whether Stripe took the usage; a person must look before a retry.
 * - `rejected`: the other side said that the request itself is wrong; trying again helps once we have mended it.
 */
export const stuckCodes = ['retries_exhausted', 'card_declined', 'billing_uncertain', 'rejected'] as const;
export type StuckCode = (typeof stuckCodes)[number];
