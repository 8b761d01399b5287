import { z } from 'zod';
import { actMeans, resetSteps, sessionActions } from '../../domain/operations.ts';
import { storable } from '../../domain/text.ts';
import { sessionStatuses, sessionSteps } from '../../domain/session.ts';

export const reasonSchema = z
  .string()
  .min(1)
  .max(500)
  .refine(...storable)
  .describe('Why, for whoever reads the audit. No word of what a session says.');

export const actBodySchema = z.strictObject({ reason: reasonSchema });

export const resetBodySchema = actBodySchema.extend({
  step: z.enum(resetSteps).describe('The step to go on from: the one that the session is at, or one before it.'),
});

export const cancelBodySchema = actBodySchema.extend({
  deleteContent: z.boolean().default(false).describe('Whether everything that was recorded goes as well.'),
});

/** What was done to a session. */
export const actedSchema = z
  .object({
    sessionId: z.uuid(),
    action: z.enum(sessionActions),
    means: z.enum(actMeans).describe('By what it took effect.'),
    status: z.enum(sessionStatuses).describe('Where the session was.'),
    step: z.enum(sessionSteps).nullable().describe('The step that it was about.'),
  })
  .meta({ id: 'ActedOnSession' });
