import { z } from 'zod';
import { outcomeSchemas } from '../../domain/outcomes.ts';
import { betterDirections, scoreNames } from '../../domain/scoring.ts';
import { sessionTypes } from '../../domain/session.ts';
import { momentSchema } from '../sessions/schemas.ts';

/** What clients send and read of outcomes and track records. */

/** The session's type tells which outcome it takes, so it is parsed once the session has been read. */
export const newOutcomeSchema = z
  .strictObject({
    outcome: z
      .record(z.string(), z.unknown())
      .meta({ override: { type: 'object', description: "What turned out to be true, of the session's own type." } }),
    knownAt: momentSchema.optional().describe('When it turned out; now if it is left out.'),
  })
  .meta({ id: 'NewOutcome' });
export type NewOutcomeRequest = z.output<typeof newOutcomeSchema>;

const scoreSchema = z
  .object({
    name: z.enum(scoreNames),
    of: z.string().describe('Which result or series it belongs to.'),
    value: z.number(),
    chance: z.number().describe('What chance or the baseline scores on the same session.'),
    chanceIs: z.string(),
    better: z.enum(betterDirections).describe('Which way is better; `nearer`: the nearer to what was claimed.'),
  })
  .meta({ id: 'Score' });

export const outcomeViewSchema = z
  .object({
    sessionId: z.uuid(),
    outcome: z.union(Object.values(outcomeSchemas)),
    knownAt: z.iso.datetime(),
    recordedAt: z.iso.datetime(),
    recordedBy: z.uuid(),
    scores: z.array(scoreSchema).describe('Empty where nothing of the outcome can be scored.'),
    trial: z
      .object({ hit: z.boolean(), chance: z.number().describe('How likely a hit was by chance alone.') })
      .nullable()
      .describe('What the session counts for in the track record; null where nothing was said that could be hit.'),
  })
  .meta({ id: 'Outcome' });
export type OutcomeView = z.input<typeof outcomeViewSchema>;

const probability = z.number().min(0).max(1);

const recordSchema = z
  .object({
    sessions: z.int().describe('Sessions whose outcome is recorded.'),
    trials: z.int().describe('Those that said something that could be hit.'),
    hits: z.int(),
    expectedByChance: z.number().describe('How many hits chance alone would give on average.'),
    p: probability.describe(
      'How likely chance alone is to give so many hits or more: upper tail, exact (Poisson binomial). 1 without a trial.',
    ),
    hitRate: probability.nullable(),
    hitRateInterval: z.tuple([probability, probability]).nullable().describe('95%, by Wilson.'),
    scores: z
      .array(
        z.object({
          name: z.enum(scoreNames),
          sessions: z.int(),
          mean: z.number(),
          chanceMean: z.number().describe('The mean of what chance or the baseline scores on the same sessions.'),
          better: z.enum(betterDirections),
        }),
      )
      .describe('Each session counts once in each mean.'),
    calibration: z
      .array(
        z.object({
          from: probability,
          to: probability,
          count: z.int(),
          meanClaimed: probability,
          cameTrue: probability.describe('Which share came true.'),
        }),
      )
      .describe('Claims by how sure they were; bins without a claim are left out.'),
  })
  .meta({ id: 'Record' });
export type RecordView = z.input<typeof recordSchema>;

export const trackRecordSchema = z
  .object({
    bySessionType: z.array(recordSchema.extend({ sessionType: z.enum(sessionTypes) })),
    together: recordSchema,
    note: z.string().describe('How to read it.'),
  })
  .meta({ id: 'TrackRecord' });
export type TrackRecordView = z.input<typeof trackRecordSchema>;
