import type { SessionType } from '../domain/session.ts';
import { dowsingTrainer } from './dowsing/training.ts';
import { intuitiveAnalysisTrainer } from './intuitive-analysis/training.ts';
import type { Trainer } from './model.ts';
import { precognitionTrainer } from './precognition/training.ts';
import { remoteViewingTrainer } from './remote-viewing/training.ts';

export const trainers: Record<SessionType, Trainer> = {
  remote_viewing: remoteViewingTrainer,
  dowsing: dowsingTrainer,
  precognition: precognitionTrainer,
  intuitive_analysis: intuitiveAnalysisTrainer,
};

/** The model that a person names on the command line: `remote-viewing` and `remote_viewing` are the same. */
export function trainerNamed(name: string | undefined): Trainer | undefined {
  return Object.values(trainers).find(({ sessionType }) => sessionType === name?.replaceAll('-', '_'));
}

/** How far the seeds of evaluation lie from those of training: no training uses a seed this far from its own. */
export const evaluationSeedOffset = 1_000_000;

/** How many simulated sessions the figures of a card are measured on, each. */
export const evaluationSessions = 3_000;
