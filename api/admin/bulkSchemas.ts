import { z } from 'zod';
import { bulkStates } from '../../domain/operations.ts';
import { openStatuses, sessionTypes, stuckCodes } from '../../domain/session.ts';
import { observedSteps, stuckReasons } from '../../domain/stuck.ts';
import { tiers } from '../../domain/tiers.ts';
import { actSchema } from '../../operations/act.ts';
import { reasonSchema } from './actionSchemas.ts';
import { operatorsSessionSchema } from './sessionSchemas.ts';

const moment = z.iso.datetime();
const someOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.array(z.enum(values)).min(1).max(values.length).optional();

/** Which sessions: those that every filter fits. */
const bulkFiltersSchema = z
  .strictObject({
    stuck: z.boolean().optional(),
    reasons: someOf(stuckReasons).describe('Why they are stuck: any of these.'),
    codes: someOf(stuckCodes).describe('Why their step gave up: any of these.'),
    statuses: someOf(openStatuses).describe('Any of these; every open one unless given.'),
    steps: someOf(observedSteps),
    sessionTypes: someOf(sessionTypes),
    tiers: someOf(tiers),
    userId: z.uuid().optional(),
    ids: z.array(z.uuid()).min(1).max(1_000).optional(),
  })
  .refine((filters) => Object.values(filters).some((filter) => filter !== undefined), 'must name at least one filter')
  .meta({ id: 'BulkFilters' });

export const newBulkActionSchema = z
  .strictObject({
    act: actSchema.describe('What is done to each.'),
    filters: bulkFiltersSchema,
    reason: reasonSchema,
    dryRun: z.boolean().default(false).describe('Only says how many sessions are meant, and which.'),
    perSecond: z.int().min(1).max(100).default(10).describe('The most sessions a second.'),
    atMost: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe('How many you expect; where there are more, nothing is done.'),
  })
  .meta({ id: 'NewBulkAction' });

export const bulkActionSchema = z
  .object({
    id: z.uuid(),
    act: actSchema,
    reason: z.string(),
    perSecond: z.int(),
    state: z.enum(bulkStates),
    startedAt: moment,
    endedAt: moment.nullable(),
    byUser: z.uuid().nullable(),
    byCommand: z.string().nullable(),
    sessions: z.int().describe('How many it is about.'),
    done: z.int(),
    refused: z.int().describe('Sessions to which it could not be done, or need not any more.'),
    failed: z.int(),
  })
  .meta({ id: 'BulkAction' });

export const bulkAnswerSchema = z.object({
  count: z.int().describe('How many sessions are meant.'),
  sessions: z.array(operatorsSessionSchema).describe('The newest hundred of them.'),
  action: bulkActionSchema.nullable().describe('What was started; null of a dry run.'),
});

export const bulkListSchema = z.object({ items: z.array(bulkActionSchema) });
