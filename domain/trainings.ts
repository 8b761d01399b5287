/** The words of a training that everybody shares. No zod here: workflow code imports this file. */

import type { SessionType } from './session.ts';

/** What a training does, in this order. */
export const trainingStages = ['simulate', 'train', 'calibrate', 'evaluate', 'register', 'promote'] as const;
export type TrainingStage = (typeof trainingStages)[number];

export const trainingStates = ['running', 'completed', 'failed', 'cancelled'] as const;
export type TrainingState = (typeof trainingStates)[number];

/** What became of the version: it analyzes sessions now, or it is registered and waits for an operator. */
export const trainingDecisions = ['promoted', 'kept'] as const;
export type TrainingDecision = (typeof trainingDecisions)[number];

/** How many sessions a training may be asked to simulate. */
export const trainingSessions = { fewest: 100, most: 10_000_000 } as const;

/** The highest seed that a training may be given: above lie the seeds of the frozen test set. */
export const highestSeed = 2 ** 30 - 1;

/** Ids and small facts alone: what a training computes lies in object storage and PostgreSQL. */
export interface TrainingWorkflowInput {
  trainingId: string;
  model: SessionType;
  /** How many sessions are simulated; null for as many as the model's recipe specifies. */
  sessions: number | null;
  seed: number;
  /** The operator; null when it was asked for on the command line. */
  startedBy: string | null;
  /** Keyed hash of the request, by which a repeated request is told from another one. */
  fingerprint: string;
}

/** What asking for a training comes to. */
export type TrainingBegun =
  | { kind: 'started' }
  /** Another training of the model is under way, and two would only compete. */
  | { kind: 'already_running'; trainingId: string };
