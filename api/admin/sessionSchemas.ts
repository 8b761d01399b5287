import { z } from 'zod';
import { sessionEventTypes } from '../../domain/events.ts';
import { sessionStatuses, sessionSteps, sessionTypes, stuckCodes } from '../../domain/session.ts';
import { activityStates, observedSteps, stuckReasons, suggestedActions } from '../../domain/stuck.ts';
import { tiers } from '../../domain/tiers.ts';
import { billStates } from '../../db/entities.ts';
import { severalOf } from '../severalOf.ts';
import { auditEntrySchema } from './audit.ts';

/** What operators ask for and read of sessions: how they stand, and nothing of what they say. */

const moment = z.iso.datetime();

const operatorsFiltersSchema = z.object({
  stuck: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
  reason: severalOf(stuckReasons).optional(),
  code: severalOf(stuckCodes).optional(),
  status: severalOf(sessionStatuses).optional(),
  step: severalOf(observedSteps).optional(),
  type: severalOf(sessionTypes).optional(),
  tier: severalOf(tiers).optional(),
  userId: z.uuid().optional(),
});

export const operatorsQuerySchema = operatorsFiltersSchema.extend({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(500).optional(),
});

const stuckSchema = z
  .object({
    reason: z.enum(stuckReasons),
    code: z.enum(stuckCodes).nullable().describe('Why its step gave up; null where none did.'),
    step: z.enum(observedSteps).nullable().describe('Null where the workflow itself is stuck.'),
    attempts: z.int().nullable(),
    since: moment,
  })
  .meta({ id: 'StuckSession' });

export const operatorsSessionSchema = z
  .object({
    id: z.uuid(),
    userId: z.uuid(),
    sessionType: z.enum(sessionTypes),
    tier: z.enum(tiers),
    status: z.enum(sessionStatuses),
    step: z.enum(sessionSteps).nullable(),
    createdAt: moment,
    stuck: stuckSchema.nullable(),
  })
  .meta({ id: 'OperatorsSession' });

export const operatorsListSchema = z
  .object({
    items: z.array(operatorsSessionSchema),
    nextCursor: z.string().nullable(),
    searchedAt: moment.nullable().describe('When stuck sessions were last searched for; null before the first search.'),
  })
  .meta({ id: 'OperatorsSessions' });

const activitySchema = z.object({
  step: z.enum(observedSteps),
  queue: z.string(),
  state: z.enum(activityStates),
  attempt: z.int(),
  maximumAttempts: z.int().describe('0 for without end.'),
  scheduledAt: moment,
  startedAt: moment.nullable(),
  nextAttemptAt: moment.nullable(),
  worker: z.string().nullable(),
  failure: z.string().nullable(),
});

const runSchema = z.object({
  workflowId: z.string(),
  runId: z.string(),
  status: z.string(),
  startedAt: moment,
  closedAt: moment.nullable(),
  historyEvents: z.int(),
  webUi: z.string().nullable().describe('Its page in the Temporal Web UI.'),
  activities: z.array(activitySchema).describe('The steps that are not done.'),
  workflowTask: z
    .object({
      queue: z.string(),
      attempt: z.int(),
      scheduledAt: moment,
      isStarted: z.boolean(),
      failure: z.enum(['nondeterministic', 'other']).nullable(),
    })
    .nullable()
    .describe('The workflow’s own next step, where one is due.'),
});

export const explanationSchema = z
  .object({
    session: operatorsSessionSchema,
    summary: z.string(),
    suggestion: z.object({ action: z.enum(suggestedActions), why: z.string() }),
    run: runSchema.nullable().describe('Null when Temporal has no workflow of it any more.'),
    polledQueues: z.array(z.string()),
    pausedQueues: z.array(z.string()),
    events: z.array(
      z.object({ seq: z.int(), type: z.enum(sessionEventTypes), status: z.enum(sessionStatuses), timestamp: moment }),
    ),
    failedAttempts: z.array(
      z.object({
        step: z.string(),
        attempt: z.int(),
        at: moment,
        kind: z.string(),
        meaning: z.string(),
        worker: z.string(),
      }),
    ),
    bill: z.enum(billStates).nullable(),
    audit: z.array(auditEntrySchema),
  })
  .meta({ id: 'Explanation' });
