import type { SessionMetadata } from '../domain/content.ts';
import type {
  DowsingImpressions,
  IntuitiveAnalysisImpressions,
  PrecognitionImpressions,
  RemoteViewingImpressions,
} from '../domain/impressions.ts';
import type { ModelResult } from '../domain/results.ts';
import type { SessionType } from '../domain/session.ts';
import type { Runtime } from './backend.ts';
import type { NamedTensors } from './tensors.ts';

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
 * came out into results a person can read. Only `predict` computes on a backend, so only it needs weights.
 */
export interface Model<T extends SessionType> {
  readonly sessionType: T;
  /** The major number of the versions whose weights this code can read; a change of the networks raises it. */
  readonly architecture: number;
  /** @throws UnanalyzableError when there is nothing in the impressions that this model can read. */
  encode(input: ModelInput<T>, runtime: Runtime): NamedTensors;
  /** Makes the network ready with its weights; what it returns may be called many times. */
  load(runtime: Runtime, weights: NamedTensors): Predict;
  report(said: Said<T> & { model: ModelStamp }): ModelResult[];
  /**
   * Small facts about a session and what was said of it, whose distribution is held against that of the training set
   * (drift): numbers by name, none from which content could be read.
   */
  observe(said: Said<T>): Readonly<Record<string, number>>;
  /** A small session for warming up: the first run of a network compiles its kernels. */
  readonly example: ModelInput<T>;
}

/** A session on its way through a model: what came in, what the network saw, what it answered. */
export interface Said<T extends SessionType> {
  readonly input: ModelInput<T>;
  readonly inputs: NamedTensors;
  readonly outputs: NamedTensors;
}

/** Answers sessions that arrived together, each its own outputs in the order given. */
export type Predict = (sessions: readonly NamedTensors[]) => Promise<NamedTensors[]>;

/** A measured figure with what chance or the baseline gives for it; neither is ever shown without the other. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly chance: number;
  readonly chanceIs: string;
}
