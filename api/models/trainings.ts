import { findTraining, listTrainings } from '../../db/trainings.ts';
import { ApiError } from '../../domain/errors.ts';
import { WorkflowEndedError } from '../../temporal/client.ts';
import type { Caller } from '../auth/caller.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotencyHeadersSchema } from '../idempotency.ts';
import { fingerprintOf, newId } from '../identity.ts';
import { userRoute, type Route } from '../route.ts';
import {
  newTrainingSchema,
  trainingListQuerySchema,
  trainingListSchema,
  trainingParamsSchema,
  trainingSchema,
  trainingView,
  type NewTraining,
  type TrainingView,
} from './trainingSchemas.ts';

const terms = { tag: 'Models', permission: 'model:manage' } as const;

/** Trainings of models: operators start them, watch them, and may cancel them (M4). */
export function trainingRoutes({ database, workflows, idempotencySecret }: ApiDeps): Route[] {
  async function read(caller: Caller, id: string): Promise<TrainingView> {
    const training = await findTraining(database.asUser(caller.userId), id);
    if (training === null) throw new ApiError('not_found');
    return trainingView(training);
  }

  /** @throws ApiError `training_running`, `idempotency_key_reused` */
  async function start(caller: Caller, request: NewTraining, idempotencyKey?: string): Promise<TrainingView> {
    const { model, sessions = null, seed } = request;
    const trainingId = newId('training', caller.userId, idempotencyKey);
    const fingerprint = fingerprintOf(request, idempotencySecret);
    const known = await findTraining(database.asUser(caller.userId), trainingId);
    if (known !== null && known.fingerprint !== fingerprint) throw new ApiError('idempotency_key_reused');
    if (known !== null) return trainingView(known);

    const startedBy = caller.userId;
    const outcome = await workflows.startTraining({ trainingId, model, sessions, seed, startedBy, fingerprint });
    // The same request is answered as it was, also when what it started has ended.
    if (outcome.kind !== 'started') throw new ApiError('idempotency_key_reused');
    if (outcome.answer.kind === 'already_running') {
      const message = `is being trained by ${outcome.answer.trainingId}`;
      throw new ApiError('training_running', [{ path: 'model', message }]);
    }
    return read(caller, trainingId);
  }

  return [
    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/models/trainings',
      summary: 'Train a model',
      description:
        'Makes a new version on simulated sessions, and on real ones whose owners consented. It analyzes sessions if it beats the active version on the frozen test set. One training of a model at a time.',
      request: { headers: idempotencyHeadersSchema, body: newTrainingSchema },
      status: 201,
      message: 'The training was started.',
      data: trainingSchema,
      errors: ['training_running', 'idempotency_key_reused'],
      handle: ({ headers, body }, { caller }) => start(caller, body, headers['idempotency-key']),
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/models/trainings',
      summary: 'List the newest trainings',
      request: { query: trainingListQuerySchema },
      message: 'The trainings.',
      data: trainingListSchema,
      handle: async ({ query }, { caller }) => {
        const trainings = await listTrainings(database.asUser(caller.userId), query);
        return { items: trainings.map(trainingView) };
      },
    }),

    userRoute({
      ...terms,
      method: 'get',
      path: '/v1/models/trainings/{id}',
      summary: 'Read how a training goes, and what came of it',
      request: { params: trainingParamsSchema },
      message: 'The training.',
      data: trainingSchema,
      errors: ['not_found'],
      handle: ({ params }, { caller }) => read(caller, params.id),
    }),

    userRoute({
      ...terms,
      method: 'post',
      path: '/v1/models/trainings/{id}/cancel',
      summary: 'Cancel a training',
      description: 'It stops within seconds, and what it had stored is removed.',
      request: { params: trainingParamsSchema },
      status: 202,
      message: 'The training is being cancelled.',
      data: trainingSchema,
      errors: ['not_found', 'training_ended'],
      handle: async ({ params: { id } }, { caller }) => {
        if ((await read(caller, id)).state !== 'running') throw new ApiError('training_ended');
        await workflows.cancelTraining(id).catch((error: unknown) => {
          throw error instanceof WorkflowEndedError ? new ApiError('training_ended') : error;
        });
        return read(caller, id);
      },
    }),
  ];
}
