import { z } from 'zod';
import { lastSearch, listForOperators } from '../../db/stuckSessions.ts';
import { ApiError } from '../../domain/errors.ts';
import { explainSession, type Explanation } from '../../operations/explain.ts';
import { webUiPage } from '../../temporal/webUi.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { auditView } from './audit.ts';
import { explanationSchema, operatorsListSchema, operatorsQuerySchema } from './sessionSchemas.ts';

const terms = { method: 'get', tag: 'Operations', permission: 'operations:manage' } as const;

/** How operators find sessions and are told why they are where they are (T5). */
export function operatorsSessionRoutes(deps: ApiDeps): Route[] {
  const { database, temporalWebUi } = deps;

  return [
    userRoute({
      ...terms,
      path: '/v1/admin/sessions',
      summary: 'Find sessions of everybody by how they stand',
      description:
        'Ids, states and causes alone: what a session says is for its owner. A parked session is stuck at once; what else is stuck, a search each minute tells.',
      request: { query: operatorsQuerySchema },
      message: 'The sessions.',
      data: operatorsListSchema,
      handle: async ({ query: { cursor, limit, reason, code, status, step, type, tier, ...rest } }) => {
        const filters = {
          ...rest,
          reasons: reason,
          codes: code,
          statuses: status,
          steps: step,
          sessionTypes: type,
          tiers: tier,
        };
        const list = { operators: filters };
        const after = cursor === undefined ? undefined : fromCursor(cursor, list, deps.idempotencySecret);
        const { rows, next } = await listForOperators(database.asService(), { ...filters, after, limit });
        const search = await lastSearch(database.asService());
        return {
          items: rows,
          nextCursor: next && toCursor(next, list, deps.idempotencySecret),
          searchedAt: search?.finishedAt.toISOString() ?? null,
        };
      },
    }),

    userRoute({
      ...terms,
      path: '/v1/admin/sessions/{id}',
      summary: 'Explain where a session is, why, and what is safe to press',
      request: { params: z.object({ id: z.uuid() }) },
      message: 'The explanation.',
      data: explanationSchema,
      errors: ['not_found'],
      handle: async ({ params }) => {
        const explanation = await explainSession(deps, params.id);
        if (explanation === null) throw new ApiError('not_found');
        return toAnswer(explanation, temporalWebUi);
      },
    }),
  ];
}

function toAnswer(
  { run, events, audit, polledQueues, pausedQueues, ...explanation }: Explanation,
  webUi: ApiDeps['temporalWebUi'],
): z.input<typeof explanationSchema> {
  return {
    ...explanation,
    polledQueues: [...polledQueues],
    pausedQueues: [...pausedQueues],
    failedAttempts: [...explanation.failedAttempts],
    events: events.map(({ seq, type, data, timestamp }) => ({ seq, type, status: data.status, timestamp })),
    audit: audit.map(auditView),
    run: run && {
      ...run,
      webUi: webUi && webUiPage(webUi, run),
      startedAt: run.startedAt.toISOString(),
      closedAt: run.closedAt?.toISOString() ?? null,
      activities: run.activities.map((activity) => ({
        ...activity,
        scheduledAt: activity.scheduledAt.toISOString(),
        startedAt: activity.startedAt?.toISOString() ?? null,
        nextAttemptAt: activity.nextAttemptAt?.toISOString() ?? null,
      })),
      workflowTask: run.workflowTask && {
        ...run.workflowTask,
        scheduledAt: run.workflowTask.scheduledAt.toISOString(),
      },
    },
  };
}
