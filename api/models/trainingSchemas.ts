import { z } from 'zod';
import type { Training } from '../../db/entities.ts';
import { sessionTypes } from '../../domain/session.ts';
import {
  highestSeed,
  trainingDecisions,
  trainingSessions,
  trainingStages,
  trainingStates,
} from '../../domain/trainings.ts';

/** What operators send to have a model trained, and what they read of it. */

export const newTrainingSchema = z.strictObject({
  model: z.enum(sessionTypes),
  sessions: z
    .int()
    .min(trainingSessions.fewest)
    .max(trainingSessions.most)
    .optional()
    .describe('How many sessions are simulated; as many as the model’s recipe specifies unless given.'),
  seed: z.int().min(0).max(highestSeed).default(1).describe('The same seed makes the same model.'),
});

export type NewTraining = z.output<typeof newTrainingSchema>;

export const trainingParamsSchema = z.object({ id: z.uuid() });

export const trainingListQuerySchema = z.strictObject({
  model: z.enum(sessionTypes).optional(),
  state: z.enum(trainingStates).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const figuresSchema = z
  .array(z.object({ name: z.string(), value: z.number().nullable(), chance: z.number(), meaning: z.string() }))
  .describe('On the frozen test set of simulated sessions, each beside what chance or the baseline gives.');
const count = z.int().min(0);

export const trainingSchema = z
  .object({
    id: z.uuid(),
    model: z.enum(sessionTypes),
    version: z.string().nullable().describe('The version that it makes; null until it is planned.'),
    sessions: count.nullable().describe('How many sessions are simulated; null until it is planned.'),
    realSessions: count.describe('How many real sessions, with consent, it learns from beside those.'),
    seed: count,
    state: z.enum(trainingStates),
    stage: z.enum(trainingStages),
    stageDone: z.number().min(0).max(1).describe('Share of the stage that is done.'),
    epoch: count.describe('How many epochs are done.'),
    epochs: count.nullable(),
    losses: z
      .record(z.string(), z.number().nullable())
      .nullable()
      .describe('The mean loss of each network in the newest epoch.'),
    samplesPerSecond: z.number().nullable(),
    secondsLeft: z.number().nullable().describe('Of the stage.'),
    figures: figuresSchema.nullable(),
    active: z
      .object({ version: z.string(), figures: figuresSchema.nullable() })
      .nullable()
      .describe('The version it is held against; its figures are null where it is of another architecture.'),
    decision: z.enum(trainingDecisions).nullable().describe('Whether the version analyzes sessions now, or waits.'),
    reason: z.string().nullable().describe('Of the decision.'),
    failure: z.string().nullable().describe('Why it failed.'),
    startedBy: z.uuid().nullable().describe('The operator; null when it was started on the command line.'),
    startedAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Training' });
export type TrainingView = z.input<typeof trainingSchema>;

export const trainingListSchema = z.object({ items: z.array(trainingSchema).describe('Newest first.') });

/** A training as operators read it. */
export function trainingView(training: Training): TrainingView {
  const { id, model, seed, state, stage, stageDone, epoch, realSessions, startedAt, updatedAt } = training;
  const { activeVersion, activeFigures } = training;
  return {
    ...{ id, model, seed, state, stage, stageDone, epoch, realSessions },
    version: training.version ?? null,
    sessions: training.sessions ?? null,
    epochs: training.epochs ?? null,
    losses: training.losses ?? null,
    samplesPerSecond: training.samplesPerSecond ?? null,
    secondsLeft: training.secondsLeft ?? null,
    figures: shownFigures(training.figures),
    active: activeVersion ? { version: activeVersion, figures: shownFigures(activeFigures) } : null,
    decision: training.decision ?? null,
    reason: training.reason ?? null,
    failure: training.failure ?? null,
    startedBy: training.startedBy ?? null,
    startedAt: startedAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    endedAt: training.endedAt?.toISOString() ?? null,
  };
}

function shownFigures(figures: Training['figures'] | undefined): z.input<typeof figuresSchema> | null {
  return figures ? [...figures] : null;
}
