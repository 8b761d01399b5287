import { z } from 'zod';
import { sessionTypes } from './session.ts';

/**
 * What turned out to be true of a session's target, recorded after its analysis. It scores the session, and with consent
 * it becomes training data.
 */

const filled = z.string().trim().min(1).max(200);
const finite = z.number();

export const outcomeSchemas = {
  remote_viewing: z
    .strictObject({
      targetId: filled.optional().describe('Which target of the pool was the true one.'),
      words: z.array(filled).min(1).max(1_000).optional().describe('How a neutral person describes the target.'),
      objects: z
        .array(filled)
        .min(1)
        .max(50)
        .optional()
        .describe('What is to be seen there, by the names of the model.'),
      terrain: filled.optional().describe('The terrain or settlement, by the names of the model.'),
    })
    .refine((outcome) => Object.keys(outcome).length > 0, 'needs at least one of targetId, words, objects and terrain'),
  dowsing: z.union([
    z.strictObject({ answer: z.enum(['yes', 'no']) }),
    z.strictObject({
      location: z.strictObject({
        lon: z.number().min(-180).max(180).describe('Degrees.'),
        lat: z.number().min(-90).max(90).describe('Degrees.'),
      }),
    }),
  ]),
  precognition: z.strictObject({
    series: z
      .array(z.strictObject({ name: filled, values: z.array(finite.nullable()).min(1).max(1_000) }))
      .min(1)
      .max(50)
      .describe('What came: one value a step of the horizon, null where it is not known.'),
  }),
  intuitive_analysis: z
    .strictObject({
      groups: z.array(filled.nullable()).optional().describe('To which group each row really belongs; null: unknown.'),
      anomalies: z.array(z.int().min(0)).optional().describe('The rows that really stand out, from 0.'),
    })
    .refine((outcome) => Object.keys(outcome).length > 0, 'needs at least one of groups and anomalies'),
} as const;

export type OutcomeOf<T extends keyof typeof outcomeSchemas> = z.infer<(typeof outcomeSchemas)[T]>;

/** An outcome with the type of session it belongs to. */
export const outcomeSchema = z.discriminatedUnion('sessionType', [
  z.strictObject({ sessionType: z.literal(sessionTypes[0]), outcome: outcomeSchemas.remote_viewing }),
  z.strictObject({ sessionType: z.literal(sessionTypes[1]), outcome: outcomeSchemas.dowsing }),
  z.strictObject({ sessionType: z.literal(sessionTypes[2]), outcome: outcomeSchemas.precognition }),
  z.strictObject({ sessionType: z.literal(sessionTypes[3]), outcome: outcomeSchemas.intuitive_analysis }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;
