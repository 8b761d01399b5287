import { findOutcome, listScorecards } from '../../db/outcomes.ts';
import { ApiError } from '../../domain/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { createSessionReader } from '../sessions/reading.ts';
import { sessionParamsSchema } from '../sessions/schemas.ts';
import { recordSessionOutcome, toOutcomeView } from './recording.ts';
import { newOutcomeSchema, outcomeViewSchema, trackRecordSchema } from './schemas.ts';
import { trackRecordOf } from './trackRecord.ts';

/** What turned out to be true of sessions, and what a person's sessions come to by it. */
export function outcomeRoutes(deps: ApiDeps): Route[] {
  const { database } = deps;
  const reader = createSessionReader(deps);

  return [
    userRoute({
      method: 'post',
      path: '/v1/sessions/{id}/outcome',
      tag: 'Sessions',
      summary: 'Record what turned out to be true',
      description:
        'Scores the session, each score beside what chance or the baseline gives. What is recorded stays: the same outcome again answers the same, another one is refused. With `metadata.training_consent` the session becomes training data.',
      permission: 'session:update',
      takesContent: true,
      request: { params: sessionParamsSchema, body: newOutcomeSchema },
      message: 'The outcome is recorded.',
      data: outcomeViewSchema,
      errors: ['not_found', 'results_not_ready', 'session_ended', 'outcome_recorded'],
      handle: ({ params, body }, { caller, note }) => {
        note({ session_id: params.id });
        return recordSessionOutcome({ database, reader }, caller, params.id, body);
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/sessions/{id}/outcome',
      tag: 'Sessions',
      summary: 'Read what turned out to be true, and what the session scored by it',
      permission: 'analysis:read',
      request: { params: sessionParamsSchema },
      message: 'The outcome.',
      data: outcomeViewSchema,
      errors: ['not_found'],
      handle: async ({ params }, { caller, note }) => {
        note({ session_id: params.id });
        const record = await findOutcome(database.asUser(caller.userId), params.id);
        if (record === null) throw new ApiError('not_found');
        return toOutcomeView(params.id, record);
      },
    }),

    userRoute({
      method: 'get',
      path: '/v1/me/track-record',
      tag: 'Sessions',
      summary: 'What the caller’s sessions with a known outcome come to, beside what chance alone would give',
      permission: 'analysis:read',
      request: {},
      message: 'Your track record.',
      data: trackRecordSchema,
      handle: async (_input, { caller }) => trackRecordOf(await listScorecards(database.asUser(caller.userId))),
    }),
  ];
}
