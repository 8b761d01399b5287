import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { TrainingBegun, TrainingStage, TrainingWorkflowInput } from '../domain/trainings.ts';
import { neverCreatedFailure, refuseOtherRequest } from './requests.ts';
import { record, trainingSteps } from './trainingActivities.ts';

/** The workflow id of a training; that it follows from the training's id is what makes starting one idempotent. */
export function trainingWorkflowId(trainingId: string): string {
  return `training-${trainingId}`;
}

/** Answers once it is known whether the training may run. Rejected when the fingerprint is another request's. */
export const begunUpdate = defineUpdate<TrainingBegun, [{ fingerprint: string }]>('begun');

const stageTitles: Record<TrainingStage, string> = {
  simulate: 'simulating the sessions that it learns from',
  train: 'training',
  calibrate: 'calibrating',
  evaluate: 'measuring the new version and the active one',
  register: 'registering the new version',
  promote: 'deciding which version is active',
};

/**
 * A training of a model, from simulated sessions to a version that analyzes real ones. Each step is an activity that
 * finds in object storage what the steps before it made, so the history holds ids alone, and a step whose worker died
 * goes on from its newest checkpoint.
 */
export async function trainingWorkflow(input: TrainingWorkflowInput): Promise<void> {
  const { trainingId } = input;
  let begun: TrainingBegun | undefined;
  let ended = false;
  let stage: TrainingStage = 'simulate';

  setHandler(
    begunUpdate,
    async () => {
      await condition(() => begun !== undefined || ended);
      if (begun !== undefined) return begun;
      throw ApplicationFailure.nonRetryable('It ended before it began', neverCreatedFailure);
    },
    { validator: refuseOtherRequest(input) },
  );

  async function run(next: TrainingStage, work: () => Promise<void>): Promise<void> {
    stage = next;
    setCurrentDetails(stageTitles[stage]);
    await work();
  }

  async function train(): Promise<void> {
    const { epochs } = await trainingSteps.planTraining({ trainingId });
    await run('simulate', () => trainingSteps.simulateShards({ trainingId }));
    await run('train', async () => {
      for (let epoch = 0; epoch < epochs; epoch++) await trainingSteps.trainEpoch({ trainingId, epoch });
    });
    await run('calibrate', () => trainingSteps.calibrateModel({ trainingId }));
    await run('evaluate', () => trainingSteps.evaluateModel({ trainingId }));
    await run('register', () => trainingSteps.registerModel({ trainingId }));
    await run('promote', () => trainingSteps.promoteModel({ trainingId }));
  }

  try {
    begun = await CancellationScope.nonCancellable(() => record.beginTraining(input));
    if (begun.kind === 'already_running') return;
    await train();
    await record.endTraining({ trainingId, state: 'completed', failure: null });
  } catch (error) {
    const end = isCancellation(error)
      ? ({ state: 'cancelled', failure: null } as const)
      : ({ state: 'failed', failure: `It failed while ${stageTitles[stage]}: ${causeOf(error)}.` } as const);
    await CancellationScope.nonCancellable(() => record.endTraining({ trainingId, ...end }));
    throw error;
  } finally {
    ended = true;
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

/** What a person may read of a failure; its words were made safe where it was thrown. */
function causeOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : 'nothing is known of why';
}
