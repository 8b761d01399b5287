import { z } from 'zod';
import { findOutcome } from '../../db/outcomes.ts';
import { eventsAfter, listSessions, type SessionFilters } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';
import { isTerminal } from '../../domain/session.ts';
import { restartIfBroken } from '../../operations/restart.ts';
import { WorkflowEndedError } from '../../temporal/client.ts';
import { requirePermission } from '../auth/caller.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { entityTagOf } from '../entityTags.ts';
import { idempotencyHeadersSchema } from '../idempotency.ts';
import { fileRoute, userRoute, type Route, type RouteContext } from '../route.ts';
import { createSessions } from './bulk.ts';
import { createSession } from './creating.ts';
import { createSessionReader, isAnalyzed, toView, type Versioned } from './reading.ts';
import { sessionArchive } from './export/archive.ts';
import { changeSession } from './revising.ts';
import { sharingRoutes } from './sharing.ts';
import {
  bulkResultSchema,
  bulkSchema,
  eventsQuerySchema,
  eventsSchema,
  ifMatchHeadersSchema,
  listQuerySchema,
  newSessionSchema,
  resultsSchema,
  revisionSchema,
  sessionListSchema,
  sessionParamsSchema,
  sessionSchema,
} from './schemas.ts';

/** Sessions: record them, have them analyzed, read what came of it (A1, A2). */
export function sessionRoutes(apiDeps: ApiDeps): Route[] {
  const { database, workflows, capacity, cache, idempotencySecret } = apiDeps;
  const reader = createSessionReader(apiDeps);
  const deps = { ...apiDeps, reader };

  return [
    userRoute({
      method: 'post',
      path: '/v1/sessions',
      tag: 'Sessions',
      summary: 'Create a session',
      description:
        'Answers once the session is stored. With impressions its analysis starts by itself, unless `autoAnalyze` is false.',
      permission: 'session:create',
      takesContent: true,
      request: { headers: idempotencyHeadersSchema, body: newSessionSchema },
      status: 201,
      message: 'The session was created.',
      data: sessionSchema,
      errors: ['session_ended', 'session_deleted', 'idempotency_key_reused', 'queue_full', 'paused'],
      answerHeaders: ['ETag', 'Location'],
      handle: async ({ headers, body }, { caller, header, note }) => {
        const created = await createSession(deps, caller, body, headers['idempotency-key']);
        note({ session_id: created.view.id });
        header('Location', `/v1/sessions/${created.view.id}`);
        return tagged(created, header);
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/sessions/bulk',
      tag: 'Sessions',
      summary: 'Create up to 100 sessions',
      description:
        'Each as if it came alone; the answer tells of each. It counts as as many requests as it holds sessions, and is refused as a whole where they do not fit in your limit. Under an Idempotency-Key the same list can be sent again until all are there.',
      permission: 'session:create',
      takesContent: true,
      request: { headers: idempotencyHeadersSchema, body: bulkSchema },
      // What is no such list is refused as one request.
      costOf: (body) => bulkSchema.safeParse(body).data?.sessions.length ?? 1,
      message: 'What became of each session.',
      data: bulkResultSchema,
      handle: async ({ headers, body }, { caller }) => {
        const items = await createSessions(deps, caller, body, headers['idempotency-key']);
        const created = items.filter(({ session }) => session !== undefined).length;
        return { items, created, refused: items.length - created };
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions',
      tag: 'Sessions',
      summary: 'List the caller’s sessions',
      permission: 'session:read',
      request: { query: listQuerySchema },
      message: 'Your sessions.',
      data: sessionListSchema,
      handle: async ({ query: { cursor, limit, sort, ...asked } }, { caller }) => {
        const filters: SessionFilters = {
          statuses: asked.status,
          sessionTypes: asked.sessionType,
          createdFrom: asked.createdFrom,
          createdBefore: asked.createdTo,
          cueWords: asked.q,
        };
        const list = { sort, ...filters };
        const after = cursor === undefined ? undefined : fromCursor(cursor, list, idempotencySecret);
        const { rows, next } = await listSessions(database.asUser(caller.userId), { ...list, after, limit });
        return {
          items: rows.map((row) => toView(row)),
          nextCursor: next === null ? null : toCursor(next, list, idempotencySecret),
        };
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions/{id}',
      tag: 'Sessions',
      summary: 'Read a session',
      permission: 'session:read',
      request: { params: sessionParamsSchema },
      message: 'The session.',
      data: sessionSchema,
      errors: ['not_found'],
      answerHeaders: ['ETag'],
      handle: async ({ params }, { caller, header, note }) => {
        note({ session_id: params.id });
        return tagged(await reader.read(caller, params.id), header);
      },
    }),

    userRoute({
      method: 'patch',
      path: '/v1/sessions/{id}',
      tag: 'Sessions',
      summary: 'Change a session that is still being recorded',
      description:
        'What is named is replaced whole; the rest stays. With `If-Match` it is changed only if it still is as you read it.',
      permission: 'session:update',
      takesContent: true,
      request: { params: sessionParamsSchema, headers: ifMatchHeadersSchema, body: revisionSchema },
      message: 'The session was changed.',
      data: sessionSchema,
      errors: ['not_found', 'analysis_begun', 'changed_meanwhile'],
      answerHeaders: ['ETag'],
      handle: async ({ params, headers, body }, { caller, header, note }) => {
        note({ session_id: params.id });
        const revision = { change: body, ifMatch: headers['if-match'] };
        return tagged(await changeSession(deps, caller, params.id, revision), header);
      },
    }),

    userRoute({
      method: 'delete',
      path: '/v1/sessions/{id}',
      tag: 'Sessions',
      summary: 'Delete a session, its content and its results for good',
      permission: 'session:delete',
      request: { params: sessionParamsSchema },
      message: 'The session was deleted.',
      data: z.null(),
      errors: ['not_found', 'erasure_pending'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        const { id } = await reader.find(caller, params.id);
        const outcome = await workflows.eraseSession(id);
        if (outcome === 'pending') throw new ApiError('erasure_pending');
        await cache.forget(id);
        return null;
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/sessions/{id}/analysis',
      tag: 'Sessions',
      summary: 'Start the analysis of a session',
      permission: 'analysis:start',
      rateClass: 'analysis',
      request: { params: sessionParamsSchema },
      status: 202,
      message: 'The analysis was asked for.',
      data: sessionSchema,
      errors: ['not_found', 'impressions_missing', 'analysis_begun', 'session_ended', 'queue_full'],
      answerHeaders: ['ETag'],
      handle: async ({ params }, { caller, header, note }) => {
        note({ session_id: params.id });
        const row = await reader.find(caller, params.id);
        if (row.status === 'created') {
          if (!row.hasImpressions) throw new ApiError('impressions_missing');
          await capacity.requireRoom(caller);
          await restartIfBroken(deps, { sessionId: row.id });
          await whileOpen(() => workflows.startAnalysis(row.id));
        } else if (row.status !== 'analyzing') {
          throw new ApiError(isTerminal(row.status) && row.status !== 'completed' ? 'session_ended' : 'analysis_begun');
        }
        return tagged(await reader.read(caller, row.id), header);
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/sessions/{id}/cancel',
      tag: 'Sessions',
      summary: 'Cancel a session that has not ended',
      permission: 'session:update',
      request: { params: sessionParamsSchema },
      status: 202,
      message: 'The session will be cancelled.',
      data: sessionSchema,
      errors: ['not_found', 'session_ended'],
      answerHeaders: ['ETag'],
      handle: async ({ params }, { caller, header, note }) => {
        note({ session_id: params.id });
        const row = await reader.find(caller, params.id);
        if (isTerminal(row.status)) throw new ApiError('session_ended');
        const isCancelling = await restartIfBroken(deps, { sessionId: row.id, from: 'cancellation' });
        if (!isCancelling) await whileOpen(() => workflows.cancelSession(row.id));
        return tagged(await reader.read(caller, row.id), header);
      },
    }),

    userRoute({
      method: 'post',
      path: '/v1/sessions/{id}/retry',
      tag: 'Sessions',
      summary: 'Take a stuck session on',
      permission: 'session:update',
      request: { params: sessionParamsSchema },
      status: 202,
      message: 'The session will be tried again.',
      data: sessionSchema,
      errors: ['not_found', 'not_stuck', 'session_ended'],
      answerHeaders: ['ETag'],
      handle: async ({ params }, { caller, header, note }) => {
        note({ session_id: params.id });
        const row = await reader.find(caller, params.id);
        if (isTerminal(row.status)) throw new ApiError('session_ended');
        if (!(await restartIfBroken(deps, { sessionId: row.id }))) {
          if (row.stuck === null) throw new ApiError('not_stuck');
          await whileOpen(() => workflows.retrySession(row.id));
        }
        return tagged(await reader.read(caller, row.id), header);
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions/{id}/results',
      tag: 'Sessions',
      summary: 'Read the results of a session',
      description: 'A session that ended before its analysis has none.',
      permission: 'analysis:read',
      request: { params: sessionParamsSchema },
      message: 'The results.',
      data: resultsSchema,
      errors: ['not_found', 'results_not_ready'],
      answerHeaders: ['ETag'],
      handle: async ({ params }, { caller, header, note }) => {
        note({ session_id: params.id });
        return tagged(await reader.results(caller, params.id), header);
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions/{id}/events',
      tag: 'Sessions',
      summary: 'Read the numbered events of a session',
      permission: 'session:read',
      request: { params: sessionParamsSchema, query: eventsQuerySchema },
      message: 'The events.',
      data: eventsSchema,
      errors: ['not_found'],
      answerHeaders: ['ETag'],
      handle: async ({ params, query }, { caller, header, note }) => {
        note({ session_id: params.id });
        const { id, lastSeq } = await reader.find(caller, params.id);
        const events = await eventsAfter(database.asUser(caller.userId), id, query.after);
        return tagged({ view: { events }, seq: lastSeq }, header);
      },
    }),

    fileRoute({
      path: '/v1/sessions/{id}/export',
      tag: 'Sessions',
      summary: 'Take a session away as one archive',
      description:
        'A zip: a report to read, the session, its results, events and outcome as JSON, and what was drawn as SVG and PNG.',
      permission: 'session:read',
      request: { params: sessionParamsSchema },
      message: 'The archive.',
      contentType: 'application/zip',
      errors: ['not_found'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        const session = (await reader.read(caller, params.id)).view.opened(sessionSchema);
        requirePermission(caller, 'analysis:read');
        const em = () => database.asUser(caller.userId);
        const { results } = isAnalyzed(session.status)
          ? (await reader.results(caller, session.id)).view.opened(resultsSchema)
          : { results: [] };
        const events = await eventsAfter(em(), session.id, 0);
        const outcome = await findOutcome(em(), session.id);
        const bytes = await sessionArchive({ session, results, events, outcome });
        return { name: `session-${session.id}.zip`, bytes };
      },
    }),

    ...sharingRoutes(apiDeps, reader),
  ];
}

/** Answers what was read of a session, under its entity tag. */
function tagged<T>({ view, seq }: Versioned<T>, header: RouteContext['header']): T {
  header('ETag', entityTagOf(seq));
  return view;
}

/** Between the read and the call the session may have come to its end. */
async function whileOpen(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (error instanceof WorkflowEndedError) throw new ApiError('session_ended', [], { cause: error });
    throw error;
  }
}
