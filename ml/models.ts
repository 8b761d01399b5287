import type { SessionType } from '../domain/session.ts';
import { dowsing } from './dowsing/model.ts';
import { intuitiveAnalysis } from './intuitive-analysis/model.ts';
import type { Model } from './model.ts';
import { precognition } from './precognition/model.ts';
import { remoteViewing } from './remote-viewing/model.ts';

/** The model of each session type. */
export const models: { readonly [T in SessionType]: Model<T> } = {
  remote_viewing: remoteViewing,
  dowsing,
  precognition,
  intuitive_analysis: intuitiveAnalysis,
};
