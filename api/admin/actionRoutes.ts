import { z } from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Act } from '../../domain/operations.ts';
import { actOnSession } from '../../operations/act.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { actBodySchema, actedSchema, cancelBodySchema, resetBodySchema } from './actionSchemas.ts';

const terms = {
  method: 'post',
  tag: 'Operations',
  permission: 'operations:manage',
  status: 202,
  message: 'It was done.',
  data: actedSchema,
  idempotent: true,
} as const;
const params = z.object({ id: z.uuid() });

/** The actions that need nothing but a reason. */
const plainActions = [
  {
    action: 'retry',
    summary: 'Retry the step that a session is at, now',
    description:
      'A parked session goes on, what waits for its next attempt has it at once, and one whose workflow is gone or cannot go on is restarted from where it is.',
    errors: ['not_stuck'],
  },
  {
    action: 'pause',
    summary: 'Pause the step that a session is at',
    description: 'No further attempt is made until it is resumed; the session waits, and nothing fails.',
    errors: ['nothing_to_pause'],
  },
  { action: 'resume', summary: 'Resume the step of a session that was paused', errors: ['not_paused'] },
  {
    action: 'skip',
    summary: 'Leave out the step that a session is at',
    description: 'Only `notify` may be left out: the owner gets no mail, and everything else goes on.',
    errors: ['not_skippable'],
  },
] as const satisfies readonly {
  action: Act['action'];
  summary: string;
  description?: string;
  errors: readonly ErrorCode[];
}[];

/** What operators can press for one session (T5). Each may be pressed twice, and none bills twice. */
export function actionRoutes({ database, workflows }: ApiDeps): Route[] {
  const act = async (sessionId: string, act: Act, reason: string, userId: string) => ({
    sessionId,
    action: act.action,
    ...(await actOnSession({ database, workflows }, { sessionId, act, reason, by: { userId } })),
  });

  return [
    ...plainActions.map(({ action, errors, ...rest }) =>
      userRoute({
        ...terms,
        ...rest,
        path: `/v1/admin/sessions/{id}/${action}`,
        request: { params, body: actBodySchema },
        errors: ['not_found', 'session_ended', ...errors],
        handle: ({ params: { id }, body }, { caller, note }) => {
          note({ session_id: id });
          return act(id, { action }, body.reason, caller.userId);
        },
      }),
    ),

    userRoute({
      ...terms,
      path: '/v1/admin/sessions/{id}/reset',
      summary: 'Have a session go on from a step',
      description:
        'Its workflow is started anew from what is stored, so that this also helps where its history cannot be replayed. What an analysis said that is made anew is removed.',
      request: { params, body: resetBodySchema },
      errors: ['not_found', 'session_ended', 'step_not_reached', 'outcome_recorded'],
      handle: ({ params: { id }, body: { step, reason } }, { caller, note }) => {
        note({ session_id: id });
        return act(id, { action: 'reset', step }, reason, caller.userId);
      },
    }),

    userRoute({
      ...terms,
      path: '/v1/admin/sessions/{id}/cancel',
      summary: 'Cancel a session',
      description: 'Usage that Stripe may have taken is taken back, whatever state the workflow is in.',
      request: { params, body: cancelBodySchema },
      errors: ['not_found', 'session_ended'],
      handle: ({ params: { id }, body: { deleteContent, reason } }, { caller, note }) => {
        note({ session_id: id });
        return act(id, { action: 'cancel', deleteContent }, reason, caller.userId);
      },
    }),
  ];
}
