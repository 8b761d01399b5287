import type { Database } from '../../db/database.ts';
import { findTrainings } from '../../db/trainings.ts';
import { secondMs } from '../../domain/time.ts';
import type { Logger } from '../../observability/logger.ts';
import { trainingView, type TrainingView } from '../models/trainingSchemas.ts';

/** What a live client is told of a training: how it stands now. States in between may be skipped. */
export interface TrainingUpdate {
  type: 'training_update';
  trainingId: string;
  data: TrainingView;
  timestamp: string;
}

export interface TrainingWatch {
  end(): void;
}

/** Brings the newest state of a training to those who watch it, until it has ended. */
export interface TrainingWatcher {
  watch(trainingId: string, onUpdate: (update: TrainingUpdate) => void): TrainingWatch;
  close(): Promise<void>;
}

interface Watcher {
  /** When what was told last was written; null before the first time. */
  toldAt: string | null;
  onUpdate: (update: TrainingUpdate) => void;
}

/** Few people watch few trainings, so one look a second into PostgreSQL tells all of them. */
const lookEveryMs = secondMs;

/** It looks only while somebody watches. */
export function createTrainingWatcher({ database, logger }: { database: Database; logger: Logger }): TrainingWatcher {
  const watchers = new Map<string, Set<Watcher>>();
  let looking: Promise<void> | undefined;

  function look(): void {
    if (watchers.size === 0) return;
    looking ??= tellAll()
      .catch((error: unknown) => {
        // The next look tries again.
        logger.warn({ error }, 'the watched trainings could not be read');
      })
      .finally(() => {
        looking = undefined;
      });
  }

  async function tellAll(): Promise<void> {
    for (const training of await findTrainings(database.asService(), [...watchers.keys()])) {
      const data = trainingView(training);
      for (const watcher of watchers.get(data.id) ?? []) tell(watcher, data);
    }
  }

  function tell(watcher: Watcher, data: TrainingView): void {
    if (watcher.toldAt === data.updatedAt) return;
    watcher.toldAt = data.updatedAt;
    watcher.onUpdate({ type: 'training_update', trainingId: data.id, data, timestamp: data.updatedAt });
    if (data.state !== 'running') remove(data.id, watcher);
  }

  function remove(trainingId: string, watcher: Watcher): void {
    const ofTraining = watchers.get(trainingId);
    ofTraining?.delete(watcher);
    if (ofTraining?.size === 0) watchers.delete(trainingId);
  }

  const timer = setInterval(look, lookEveryMs);
  timer.unref();

  return {
    watch(trainingId, onUpdate) {
      const watcher = { toldAt: null, onUpdate };
      watchers.set(trainingId, (watchers.get(trainingId) ?? new Set()).add(watcher));
      look();
      return {
        end: () => {
          remove(trainingId, watcher);
        },
      };
    },
    async close() {
      clearInterval(timer);
      watchers.clear();
      await looking;
    },
  };
}
