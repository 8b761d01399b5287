import { ApiError } from '../../domain/errors.ts';
import { queueNames, type QueueName } from '../../domain/taskQueues.ts';
import { pauseQueue, resumeQueue } from '../../operations/queues.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { queueListSchema, queueParamsSchema, queuePauseSchema, queueResumptionSchema } from './queueSchemas.ts';

const terms = {
  tag: 'Operations',
  permission: 'operations:manage',
  data: queueListSchema,
} as const;

/** Where work waits, and the switches that have it wait. */
export function queueRoutes(deps: ApiDeps): Route[] {
  const { queues } = deps.workflows;

  async function list() {
    const [states, workers] = await Promise.all([queues.states(), queues.workers()]);
    return {
      items: states.map(({ queue, workers: _count, backlogByPriority, ...state }) => ({
        queue,
        ...state,
        backlogByPriority: Object.entries(backlogByPriority).map(([key, tasks]) => ({ key: Number(key), tasks })),
        workers: workers
          .filter((worker) => worker.queue === queue)
          .map(({ identity, buildId, lastPolledAt }) => ({ identity, buildId, lastPolledAt })),
      })),
    };
  }

  return [
    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/admin/queues',
      summary: 'Read how much work waits in each queue, at what pace it is done, and who does it',
      request: {},
      message: 'The queues.',
      handle: list,
    }),

    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/admin/queues/{queue}/pause',
      summary: 'Have what a queue would hand out wait',
      description: 'Nothing fails. Workers end what they have begun. Asking twice is asking once.',
      request: { params: queueParamsSchema, body: queuePauseSchema },
      message: 'The queue is paused.',
      errors: ['not_found'],
      handle: async ({ params, body: { reason } }, { caller: { userId } }) => {
        await pauseQueue(deps, queueNamed(params.queue), { by: { userId }, reason });
        return list();
      },
    }),

    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/admin/queues/{queue}/resume',
      summary: 'Let a paused queue go on',
      request: { params: queueParamsSchema, body: queueResumptionSchema },
      message: 'The queue goes on.',
      errors: ['not_found'],
      handle: async ({ params, body: { reason } }, { caller: { userId } }) => {
        await resumeQueue(deps, queueNamed(params.queue), { by: { userId }, reason });
        return list();
      },
    }),
  ];
}

/** @throws ApiError `not_found`, naming the queues that there are */
function queueNamed(name: string): QueueName {
  const found = queueNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw new ApiError('not_found', [{ path: 'queue', message: `names no queue; there are ${queueNames.join(', ')}` }]);
}
