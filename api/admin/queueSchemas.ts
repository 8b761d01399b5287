import { z } from 'zod';
import { queueNames } from '../../domain/taskQueues.ts';
import { storable } from '../../domain/text.ts';

/** What operators read of the queues, and what they send to pause one. */

const count = z.int().min(0);
const rate = z.number().min(0);

const queueSchema = z
  .object({
    queue: z.enum(queueNames),
    backlog: count.describe('Tasks that wait, as Temporal estimates them.'),
    backlogByPriority: z.array(z.object({ key: z.int().min(1), tasks: count })).describe('Lower keys go first.'),
    backlogAgeSeconds: rate.describe('How long the oldest task has waited.'),
    addedPerSecond: rate.describe('Tasks that came, on average of half a minute.'),
    dispatchedPerSecond: rate.describe('Tasks that workers took, on average of half a minute.'),
    limitPerSecond: rate.nullable().describe('The most that workers may take; null where nobody set a limit.'),
    paused: z
      .object({ since: z.string(), reason: z.string(), by: z.string() })
      .nullable()
      .describe('Since when, why and by whom it is paused; null while it is not.'),
    workers: z.array(
      z.object({
        identity: z.string().describe('Process and machine.'),
        buildId: z.string().nullable(),
        lastPolledAt: z.iso.datetime().nullable(),
      }),
    ),
  })
  .meta({ id: 'Queue' });

export const queueListSchema = z.object({ items: z.array(queueSchema) });

export const queueParamsSchema = z.object({
  queue: z.string().describe(`The name of a queue: ${queueNames.join(', ')}.`),
});

const reason = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  .refine(...storable)
  .describe('Stands in the audit.');

export const queuePauseSchema = z.strictObject({ reason });
export const queueResumptionSchema = z.strictObject({ reason: reason.default('resumed') }).prefault({});
