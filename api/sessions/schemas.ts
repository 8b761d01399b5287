import { z } from 'zod';
import { sessionEventTypes } from '../../domain/events.ts';
import { cueSchema, impressionsSchemas, metadataSchema, sessionContentSchema } from '../../domain/impressions.ts';
import { resultDataSchemas, resultTypes } from '../../domain/results.ts';
import { sessionStatuses, sessionSteps, sessionTypes, stuckCodes } from '../../domain/session.ts';

/** What clients send and read of sessions. */

const autoAnalyzeSchema = z
  .boolean()
  .default(true)
  .describe('With impressions, analysis starts by itself; false leaves it to POST …/analysis.');

const [remoteViewing, dowsing, precognition, intuitiveAnalysis] = sessionContentSchema.options;
const startNow = { autoAnalyze: autoAnalyzeSchema };

export const newSessionSchema = z
  .discriminatedUnion('sessionType', [
    remoteViewing.extend(startNow),
    dowsing.extend(startNow),
    precognition.extend(startNow),
    intuitiveAnalysis.extend(startNow),
  ])
  .meta({ id: 'NewSession' });
export type NewSessionRequest = z.output<typeof newSessionSchema>;

export const impressionsSchema = z.union(Object.values(impressionsSchemas)).meta({ id: 'Impressions' });

/** The session's type tells which impressions it takes, so they are parsed once it has been read. */
export const revisionSchema = z
  .strictObject({
    cue: cueSchema.optional(),
    metadata: metadataSchema.optional(),
    impressions: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ override: { type: 'object', description: "Impressions of the session's own type." } }),
  })
  .refine((revision) => Object.values(revision).some((value) => value !== undefined), 'names nothing to change')
  .meta({ id: 'SessionRevision' });
export type SessionRevisionRequest = z.output<typeof revisionSchema>;

export const sessionParamsSchema = z.object({ id: z.uuid() });

export const listQuerySchema = z.strictObject({
  cursor: z.string().min(1).max(300).optional().describe('`nextCursor` of the page before.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  status: z.enum(sessionStatuses).optional(),
  sessionType: z.enum(sessionTypes).optional(),
});

export const eventsQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).max(2_147_483_647).default(0).describe('The last number that was seen.'),
});

export const sessionSchema = z
  .object({
    id: z.uuid(),
    userId: z.uuid(),
    sessionType: z.enum(sessionTypes),
    cue: z.string(),
    status: z.enum(sessionStatuses),
    step: z.enum(sessionSteps).nullable().describe('The step that is under way, or was the last.'),
    metadata: z.record(z.string(), z.json()).nullable(),
    impressions: impressionsSchema.optional(),
    createdAt: z.iso.datetime(),
    completedAt: z.iso.datetime().nullable(),
    stuck: z
      .object({ step: z.enum(sessionSteps), code: z.enum(stuckCodes), message: z.string(), since: z.iso.datetime() })
      .optional()
      .describe('There while the session waits for a retry, and why.'),
  })
  .meta({ id: 'Session' });
export type SessionView = z.input<typeof sessionSchema>;

export const sessionListSchema = z.object({
  items: z.array(sessionSchema).describe('Newest first, without their impressions.'),
  nextCursor: z.string().nullable().describe('Where the list goes on; null at its end.'),
});

const resultSchema = z
  .object({
    id: z.uuid(),
    resultType: z.enum(resultTypes),
    confidenceScore: z.number().min(0).max(1),
    data: z.union(Object.values(resultDataSchemas)).describe('Its form follows from `resultType`.'),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Result' });

export const resultsSchema = z.object({ results: z.array(resultSchema) });
export type ResultsView = z.input<typeof resultsSchema>;

export const eventSchema = z
  .object({
    seq: z.int().min(1).describe('Numbers a session’s events 1, 2, 3, … without gaps.'),
    type: z.enum(sessionEventTypes),
    data: z.object({
      status: z.enum(sessionStatuses),
      step: z.enum(sessionSteps).nullable(),
      progress: z.number().min(0).max(1).optional(),
      attempt: z.int().optional(),
      stuck: z.object({ code: z.enum(stuckCodes), message: z.string() }).optional(),
    }),
    timestamp: z.iso.datetime(),
  })
  .meta({ id: 'SessionEvent' });

export const eventsSchema = z.object({ events: z.array(eventSchema) });
