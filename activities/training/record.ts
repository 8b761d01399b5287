import type { Database } from '../../db/database.ts';
import { beginTraining, endTraining } from '../../db/trainings.ts';
import type { TrainingBegun, TrainingState, TrainingWorkflowInput } from '../../domain/trainings.ts';
import type { ObjectStore } from '../../integrations/objectStore.ts';
import { createTrainingStore } from './store.ts';

interface TrainingRecordDeps {
  database: Database;
  objects: ObjectStore;
}

/** How a training begins and ends in the record; on the CPU queue, since nothing is computed. */
export function createTrainingRecordActivities({ database, objects }: TrainingRecordDeps) {
  return {
    beginTraining: (input: TrainingWorkflowInput): Promise<TrainingBegun> => beginTraining(database.asService(), input),

    /** @param failure Why it failed, in words that name no content. */
    async endTraining({
      trainingId,
      state,
      failure,
    }: {
      trainingId: string;
      state: Exclude<TrainingState, 'running'>;
      failure: string | null;
    }): Promise<void> {
      await createTrainingStore(objects).clear(trainingId);
      await endTraining(database.asService(), { id: trainingId, state, failure });
    },
  };
}
