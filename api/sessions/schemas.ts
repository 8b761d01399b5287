import { z } from 'zod';
import { errorSchema } from '../envelope.ts';
import { severalOf } from '../severalOf.ts';
import { sessionSorts } from '../../db/sessions.ts';
import { errorTable } from '../../domain/errors.ts';
import { sessionEventTypes } from '../../domain/events.ts';
import { cueSchema, metadataSchema, sessionContentSchema } from '../../domain/content.ts';
import { impressionsSchemas } from '../../domain/impressions.ts';
import { resultDataSchemas, resultTypes } from '../../domain/results.ts';
import { sessionStatuses, sessionSteps, sessionTypes, stuckCodes } from '../../domain/session.ts';
import { storable } from '../../domain/text.ts';

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

/** Each is parsed by itself, so that one that is wrong does not keep the others back. */
export const bulkSchema = z
  .strictObject({
    sessions: z
      .array(z.unknown().meta({ override: { $ref: '#/components/schemas/NewSession' } }))
      .min(1)
      .max(100),
  })
  .meta({ id: 'NewSessions' });
export type BulkRequest = z.output<typeof bulkSchema>;

const impressionsSchema = z.union(Object.values(impressionsSchemas)).meta({ id: 'Impressions' });

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

/** The form in which clients hand an entity tag back. */
export const ifMatchHeadersSchema = z.object({
  'if-match': z
    .string()
    .max(200)
    .optional()
    .describe('The ETag of the session as you read it; if it has changed since, the answer is 412.'),
});

export const sessionParamsSchema = z.object({ id: z.uuid() });

/** A moment that the database can hold, in UTC. */
export const momentSchema = z.iso
  .datetime({ offset: true })
  .transform((moment) => new Date(moment).toISOString())
  .refine((moment) => moment >= '0001', 'must lie between the years 1 and 9999');

export const listQuerySchema = z.strictObject({
  cursor: z.string().min(1).max(500).optional().describe('`nextCursor` of the page before, with the same filters.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  status: severalOf(sessionStatuses).optional().describe('Any of these.'),
  sessionType: severalOf(sessionTypes).optional().describe('Any of these.'),
  createdFrom: momentSchema.optional().describe('Created at this moment or later.'),
  createdTo: momentSchema.optional().describe('Created before this moment.'),
  q: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .refine(...storable)
    .optional()
    .describe('Words of the cue, in any order; `"a phrase"`, `or` and `-not` are understood.'),
  sort: z
    .enum(sessionSorts)
    .default('-createdAt')
    .describe('With `-`, newest first. A session that has not ended counts as the last to end.'),
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

/** A session as it is answered beside others. */
export const sessionSummarySchema = sessionSchema.omit({ impressions: true }).meta({ id: 'SessionSummary' });

export const bulkResultSchema = z.object({
  items: z
    .array(
      z.object({
        status: z.int().describe('What the session would have been answered with alone: 201, or that of its error.'),
        session: sessionSummarySchema.optional(),
        error: errorSchema(z.enum(Object.keys(errorTable))).optional(),
      }),
    )
    .describe('One for each session, in their order.'),
  created: z.int(),
  refused: z.int(),
});
export type BulkItemView = z.input<typeof bulkResultSchema>['items'][number];

export const sessionListSchema = z.object({
  items: z.array(sessionSchema).describe('Without their impressions.'),
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

const eventSchema = z
  .object({
    seq: z.int().min(1).describe('Numbers a session’s events 1, 2, 3, … without gaps.'),
    type: z.enum(sessionEventTypes),
    data: z.object({
      status: z.enum(sessionStatuses),
      step: z.enum(sessionSteps).nullable(),
      progress: z.number().min(0).max(1).optional(),
      attempt: z.int().optional(),
      stuck: z.object({ code: z.enum(stuckCodes), message: z.string() }).optional(),
      attachmentId: z.uuid().optional(),
    }),
    timestamp: z.iso.datetime(),
  })
  .meta({ id: 'SessionEvent' });

export const eventsSchema = z.object({ events: z.array(eventSchema) });
