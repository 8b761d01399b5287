import type { SessionContent } from '../domain/impressions.ts';
import type { ModelResult } from '../domain/results.ts';
import type { SessionType } from '../domain/session.ts';
import { unpackArtefact } from './artefact.ts';
import type { Runtime } from './backend.ts';
import { dowsing } from './dowsing/model.ts';
import { UnanalyzableError } from './errors.ts';
import { intuitiveAnalysis } from './intuitive-analysis/model.ts';
import type { ImpressionsOf, Model, ModelInput } from './model.ts';
import { precognition } from './precognition/model.ts';
import { remoteViewing } from './remote-viewing/model.ts';
import { at } from './sequence.ts';

/** A model's artefact as it comes out of object storage, with what the registry says of it. */
export interface EngineArtefact {
  readonly name: SessionType;
  readonly version: string;
  /** Of the whole file. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

type Analyze<T extends SessionType> = (input: ModelInput<T>) => Promise<ModelResult[]>;

/** The models of one thread, ready to be asked. */
export interface Inference {
  /** @throws UnanalyzableError when no model can read the session: the same content will fail again. */
  analyze(content: SessionContent): Promise<ModelResult[]>;
}

/**
 * Loads every model with its artefact and lets each analyze a small session once, since the first run of a network is
 * the slow one.
 *
 * @throws ArtefactCorruptError when an artefact is not what its checksum says.
 */
export async function createInference(runtime: Runtime, artefacts: readonly EngineArtefact[]): Promise<Inference> {
  const analyzerOf = async <T extends SessionType>(model: Model<T>): Promise<Analyze<T> | undefined> => {
    const artefact = artefacts.find(({ name }) => name === model.sessionType);
    if (artefact === undefined) return undefined;
    const analyze = prepare(model, runtime, artefact);
    await analyze(model.example);
    return analyze;
  };
  const analyzers = {
    remote_viewing: await analyzerOf(remoteViewing),
    dowsing: await analyzerOf(dowsing),
    precognition: await analyzerOf(precognition),
    intuitive_analysis: await analyzerOf(intuitiveAnalysis),
  };
  return {
    analyze(content) {
      switch (content.sessionType) {
        case 'remote_viewing':
          return ask(analyzers.remote_viewing, content.impressions, content);
        case 'dowsing':
          return ask(analyzers.dowsing, content.impressions, content);
        case 'precognition':
          return ask(analyzers.precognition, content.impressions, content);
        case 'intuitive_analysis':
          return ask(analyzers.intuitive_analysis, content.impressions, content);
      }
    },
  };
}

function prepare<T extends SessionType>(model: Model<T>, runtime: Runtime, artefact: EngineArtefact): Analyze<T> {
  const { name, version, weights } = unpackArtefact(artefact.bytes, artefact.sha256);
  const predict = model.load(runtime, weights);
  return async (input) => {
    const inputs = model.encode(input, runtime);
    const outputs = at(await predict([inputs]), 0);
    return model.report({ input, inputs, outputs, model: { name, version, backend: runtime.backend } });
  };
}

/** @throws UnanalyzableError when there is nothing to analyze, or something that no model can put into numbers. */
async function ask<T extends SessionType>(
  analyze: Analyze<T> | undefined,
  impressions: ImpressionsOf<T> | undefined,
  { sessionType, metadata }: SessionContent,
): Promise<ModelResult[]> {
  if (impressions === undefined) throw new UnanalyzableError('The session has no impressions.');
  if (analyze === undefined) throw new Error(`No model for ${sessionType} is loaded`);
  const results = await analyze({ impressions, metadata });
  if (!results.every(({ data }) => allFinite(data))) {
    throw new UnanalyzableError('The numbers in the impressions are too large or too small to be computed with.');
  }
  return results;
}

/** Whether every number in a result can be written as JSON. */
function allFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(allFinite);
}
