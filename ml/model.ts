import type {
  DowsingImpressions,
  IntuitiveAnalysisImpressions,
  PrecognitionImpressions,
  RemoteViewingImpressions,
  SessionMetadata,
} from '../domain/impressions.ts';
import type { ModelResult } from '../domain/results.ts';
import type { SessionType } from '../domain/session.ts';
import type { NamedTensors, Tf } from './tensors.ts';

interface ImpressionsByType {
  remote_viewing: RemoteViewingImpressions;
  dowsing: DowsingImpressions;
  precognition: PrecognitionImpressions;
  intuitive_analysis: IntuitiveAnalysisImpressions;
}

/** What a person recorded in a session of a type, once it is known to be there. */
export type ImpressionsOf<T extends SessionType> = ImpressionsByType[T];

/** What a model reads. */
export interface ModelInput<T extends SessionType> {
  readonly impressions: ImpressionsOf<T>;
  readonly metadata?: SessionMetadata | undefined;
}

/** Which model made a result, and on what. */
export interface ModelStamp {
  readonly name: string;
  readonly version: string;
  readonly backend: string;
}

/**
 * The one interface of a model: `encode` turns impressions into tensors, `predict` is the network, `report` turns what
 * came out into results a person can read. Only `predict` touches TensorFlow.js, so only it needs a backend and weights.
 */
export interface Model<T extends SessionType> {
  readonly sessionType: T;
  /** @throws UnanalyzableError when there is nothing in the impressions that this model can read. */
  encode(input: ModelInput<T>): NamedTensors;
  /** Makes the network ready with its weights; what it returns may be called many times. */
  load(tf: Tf, weights: NamedTensors): Predict;
  report(said: { input: ModelInput<T>; inputs: NamedTensors; outputs: NamedTensors; model: ModelStamp }): ModelResult[];
  /** A small session for warming up: the first run of a network compiles its kernels. */
  readonly example: ModelInput<T>;
}

export type Predict = (inputs: NamedTensors) => Promise<NamedTensors>;

/** A measured figure with what chance or the baseline gives for it; neither is ever shown without the other. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly chance: number;
  readonly chanceIs: string;
}

/** How a model is made again: on sessions that it simulates, from a seed. */
export interface Trainer {
  readonly sessionType: SessionType;
  readonly version: string;
  readonly defaultSessions: number;
  train(options: TrainingOptions): Promise<NamedTensors>;
  /** Measures weights on simulated sessions of seeds that training never saw. */
  evaluate(options: EvaluationOptions): Promise<Figure[]>;
}

export interface EvaluationOptions {
  readonly tf: Tf;
  readonly weights: NamedTensors;
  readonly seed: number;
  /** How many simulated sessions each figure is measured on. */
  readonly sessions: number;
}

export interface TrainingOptions {
  readonly tf: Tf;
  readonly seed: number;
  readonly sessions: number;
  readonly progress: (line: string) => void;
}
