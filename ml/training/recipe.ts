import type { Tensor } from '@tensorflow/tfjs';
import type { OutcomeOf } from '../../domain/outcomes.ts';
import type { SessionType } from '../../domain/session.ts';
import type { Runtime } from '../backend.ts';
import type { Figure, Model, ModelInput } from '../model.ts';
import type { Random } from '../random.ts';
import type { LiveTensors, NamedTensors, Tf } from '../tensors.ts';

/** What each network learns from, by its name: tensors whose first axis counts the examples. */
export type Examples = Readonly<Record<string, NamedTensors>>;

/** A network that learns from its own examples, beside the others of its model. */
export interface Network {
  readonly batchSize: number;
  /** Where Adam begins; over the epochs it falls to a tenth. */
  readonly learningRate: number;
  /** First weights; their names begin with the network's, so that no two networks share one. */
  initial(random: Random): NamedTensors;
  loss(tf: Tf, weights: LiveTensors, batch: LiveTensors): Tensor;
}

/**
 * How a model is made: simulated sessions from a seed, the networks that learn from them, what is set afterwards, and
 * how it is measured. Where examples and checkpoints lie, and what happens when a process dies, is not its business.
 * Everything random comes from the `random` it is given, so the same seed makes the same model on the same backend.
 */
export interface Recipe<T extends SessionType> {
  readonly model: Model<T>;
  /** The version of the weights that are published with the project. */
  readonly version: string;
  /** How many sessions the specification asks for (M5 to M8); a training takes so many unless it is told otherwise. */
  readonly specifiedSessions: number;
  readonly epochs: number;
  readonly networks: Readonly<Record<string, Network>>;
  /** Simulated sessions as examples: `sessions` counts the sessions, of which one may give several examples. */
  simulate(options: SimulateOptions): Promise<Examples>;
  /** What can be learned from a real session whose outcome is known; null when nothing can. */
  learnFrom(session: KnownSession<T>, runtime: Runtime): Promise<Examples | null>;
  /** One simulated session as a person would send it, of any signal. */
  session(random: Random): ModelInput<T>;
  /** Adds to trained weights what is found on sessions that training did not see: temperatures, base rates. */
  calibrate(options: MeasureOptions): Promise<NamedTensors>;
  /** Measures on sessions of targets that training never drew from, every figure beside its chance. */
  evaluate(options: MeasureOptions): Promise<Figure[]>;
  /** The figure by which a version is better than another. */
  readonly decisive: { readonly figure: string; readonly better: 'higher' | 'lower' };
}

export interface SimulateOptions {
  readonly runtime: Runtime;
  readonly random: Random;
  readonly sessions: number;
}

export interface MeasureOptions {
  readonly runtime: Runtime;
  readonly weights: NamedTensors;
  readonly random: Random;
  /** On how many simulated sessions. */
  readonly sessions: number;
}

/** A real session with what turned out to be true of it. */
export interface KnownSession<T extends SessionType> extends ModelInput<T> {
  readonly outcome: OutcomeOf<T>;
}
