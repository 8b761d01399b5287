import { cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Database } from '../../db/database.ts';
import type { Training } from '../../db/entities.ts';
import { findTraining, updateTraining, type TrainingChanges } from '../../db/trainings.ts';
import type { ObjectStore } from '../../integrations/objectStore.ts';
import type { SessionContentStore } from '../../integrations/sessionContent.ts';
import type { RecipeFacts } from '../../ml/training/jobs.ts';
import type { TrainingPool } from '../../ml/training/pool.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { whileHeartbeating } from '../heartbeating.ts';
import { createTrainingStore, type TrainingStore } from './store.ts';

export interface TrainingDeps {
  database: Database;
  objects: ObjectStore;
  contents: SessionContentStore;
  trainingPool: TrainingPool;
  metrics: Metrics;
  logger: Logger;
}

/** The training that an attempt works for, as its recipe was read. */
type PlannedTraining = Training & { version: string; sessions: number; epochs: number };

export interface StepContext extends TrainingDeps {
  training: PlannedTraining;
  store: TrainingStore;
  /** Fires when the training is cancelled, or this attempt is no longer wanted. */
  signal: AbortSignal;
  /** Writes down how the step goes. What is not written down is lost, and nothing depends on it. */
  report: (changes: TrainingChanges) => Promise<void>;
}

/** Runs a step of a training, heartbeating, with what every step needs. */
export function trainingStep(
  deps: TrainingDeps,
  trainingId: string,
  work: (context: StepContext) => Promise<void>,
): Promise<void> {
  return whileHeartbeating(async () => {
    const em = deps.database.asService();
    const training = await findTraining(em, trainingId);
    if (!isPlanned(training)) throw new Error(`Training ${trainingId} was not planned`);
    const report = (changes: TrainingChanges) =>
      updateTraining(deps.database.asService(), trainingId, changes).catch((error: unknown) => {
        deps.logger.warn({ training_id: trainingId, error }, 'the progress of a training was not written down');
      });
    const store = createTrainingStore(deps.objects);
    await work({ ...deps, training, store, report, signal: cancellationSignal() });
  });
}

/** @throws ApplicationFailure, final, when the model has no recipe. */
export async function readRecipe(
  { trainingPool }: Pick<TrainingDeps, 'trainingPool'>,
  { model }: Pick<Training, 'model'>,
): Promise<RecipeFacts> {
  const facts = await trainingPool.run('facts', { model }, cancellationSignal());
  if (facts === null) throw ApplicationFailure.nonRetryable('There is no recipe for this model', 'NoRecipe');
  return facts;
}

function isPlanned(training: Training | null): training is PlannedTraining {
  const { version, sessions, epochs } = training ?? {};
  return typeof version === 'string' && typeof sessions === 'number' && typeof epochs === 'number';
}
