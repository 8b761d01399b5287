import { z } from 'zod';
import { modelChangeKinds } from '../../db/entities.ts';
import { driftReadings, fewestSessions } from '../../domain/drift.ts';
import { resultTypes } from '../../domain/results.ts';
import { sessionTypes } from '../../domain/session.ts';
import { storable } from '../../domain/text.ts';
import { keptDays } from '../../integrations/driftCounts.ts';

/** What clients read of the models, and what operators send to change them. */

const version = z
  .string()
  .trim()
  .min(1)
  .max(50)
  .refine(...storable);
const count = z.int().min(0);

const versionFacts = z.object({
  name: z.enum(sessionTypes),
  version: z.string(),
  figures: z
    .array(z.object({ name: z.string(), value: z.number(), chance: z.number(), meaning: z.string() }))
    .describe('Held-out figures of simulated sessions, each beside what chance or the baseline gives.'),
  createdAt: z.iso.datetime(),
});

const pausedSchema = z
  .object({ since: z.iso.datetime(), reason: z.string().nullable() })
  .nullable()
  .describe('While a model is paused, its sessions wait and nothing fails; null while it is not.');

const modelSchema = versionFacts.extend({ paused: pausedSchema }).meta({ id: 'Model' });

export const activeModelsSchema = z.object({ items: z.array(modelSchema) });
export type ActiveModels = z.output<typeof activeModelsSchema>;

const versionSchema = versionFacts
  .extend({
    seed: z.int().nullable(),
    sessions: count.nullable().describe('How many simulated sessions it was trained on.'),
    backend: z.string().nullable().describe('What it was trained on; null where that was not written down.'),
  })
  .meta({ id: 'ModelVersion' });
export type VersionView = z.input<typeof versionSchema>;

export const versionListSchema = z.object({ items: z.array(versionSchema).describe('Newest first.') });

export const cardSchema = z.object({
  name: z.enum(sessionTypes),
  version: z.string(),
  markdown: z.string(),
});

const comparisonSchema = z.object({
  against: z.string().describe('The version that answered.'),
  resultType: z.enum(resultTypes),
  sessions: count,
  agreement: z.number().min(0).max(1).describe('Share of the sessions in which both said the same.'),
  confidenceDifference: z.number().describe('How far apart their confidence was on average, 0 to 1.'),
});

const driftSchema = z.object({
  feature: z.string().describe('What is observed: a number about the input, or about what was said of it.'),
  index: z
    .number()
    .nullable()
    .describe('Population stability index against the sessions of the training; null where there are too few.'),
  reading: z
    .enum(driftReadings)
    .describe(`too_few: fewer than ${fewestSessions} sessions; little: below 0.1; some: up to 0.25; much: above.`),
  sessions: count.describe('On how many sessions it rests.'),
});

const changeSchema = z.object({
  kind: z.enum(modelChangeKinds),
  from: z.string().nullable(),
  to: z.string().nullable(),
  share: z.number().nullable().describe('Of a canary: its share of the sessions.'),
  reason: z.string().nullable(),
  at: z.iso.datetime(),
  by: z.uuid().nullable().describe('The operator; null when the platform did it.'),
});

export const modelPageSchema = z
  .object({
    name: z.enum(sessionTypes),
    active: versionSchema.nullable().describe('What sessions are analyzed with.'),
    paused: pausedSchema,
    canary: z
      .object({ version: z.string(), share: z.number() })
      .nullable()
      .describe('What analyzes a share of the sessions instead; a session always gets the same of the two.'),
    shadow: z
      .object({ version: z.string(), comparisons: z.array(comparisonSchema) })
      .nullable()
      .describe('What runs beside on the same sessions, without a part in their results.'),
    drift: z
      .object({ days: z.int(), features: z.array(driftSchema) })
      .nullable()
      .describe(
        'Whether what the active version observes has moved away from its training; null when it cannot be read.',
      ),
    changes: z.array(changeSchema).describe('The newest fifty, newest first.'),
  })
  .meta({ id: 'ModelPage' });
export type ModelPage = z.input<typeof modelPageSchema>;

export const modelParamsSchema = z.object({
  name: z.string().describe(`The name of a model: ${sessionTypes.join(', ')}.`),
});

export const pageQuerySchema = z.strictObject({
  days: z.coerce.number().int().min(1).max(keptDays).default(7).describe('How far back drift is looked at.'),
});

export const cardQuerySchema = z.strictObject({ version: version.optional().describe('The active one by default.') });

const neededReason = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  .refine(...storable)
  .describe('Stands in the record of changes.');
const reason = neededReason.optional();

export const promotionSchema = z.strictObject({ version, reason });
export const rollbackSchema = z.strictObject({ reason }).default({});
export const canarySchema = z
  .strictObject({
    version: version.optional(),
    share: z.number().min(0).max(1).describe('Of the sessions; 0 ends the canary.'),
    reason,
  })
  .refine((canary) => canary.share === 0 || canary.version !== undefined, {
    path: ['version'],
    message: 'is needed, unless share is 0',
  });
export const shadowSchema = z.strictObject({ version: version.nullable().describe('null ends the shadow.'), reason });
export const pauseSchema = z.strictObject({ reason: neededReason });
export const resumptionSchema = z.strictObject({ reason: neededReason.default('resumed') }).prefault({});
