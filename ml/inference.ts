import type { SessionContent } from '../domain/content.ts';
import type { ModelResult } from '../domain/results.ts';
import type { SessionType } from '../domain/session.ts';
import { architectureOf, unpackArtefact } from './artefact.ts';
import type { Runtime } from './backend.ts';
import { ArtefactCorruptError, UnanalyzableError } from './errors.ts';
import type { ImpressionsOf, Model, ModelInput, ModelStamp, Predict } from './model.ts';
import { models } from './models.ts';
import { at } from './sequence.ts';
import { held, type NamedTensors } from './tensors.ts';

/** A model's artefact as it comes out of storage, with what the registry says of it. */
export interface ArtefactFile {
  readonly name: SessionType;
  readonly version: string;
  /** Of the whole file; two artefacts of one checksum are the same. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** What a model says of a session, and the small facts of it that drift is measured by. */
export interface Analysis {
  readonly results: ModelResult[];
  readonly observed: Readonly<Record<string, number>>;
}

/** The answer to one session of a batch; errors are answers, so that one session fails alone. */
export type Answer =
  | { readonly kind: 'analysis'; readonly analysis: Analysis }
  | { readonly kind: 'unanalyzable'; readonly message: string }
  | { readonly kind: 'failed'; readonly error: unknown };

/** The models of one thread. */
interface Inference {
  /**
   * Makes a version ready and lets it analyze a small session once, since the first run of a network is the slow one.
   * Where it does not fit in the memory, the versions that were not asked for the longest are let go.
   *
   * @throws ArtefactCorruptError when it is not what its checksum, its name or its version says, or does not work.
   */
  load(artefact: ArtefactFile): Promise<void>;
  /** Lets a version go. */
  release(sha256: string): void;
  /** Answers sessions together, in their order; null when that version is not loaded. */
  analyze(sha256: string, contents: readonly SessionContent[]): Promise<Answer[] | null>;
}

interface LoadedModel {
  readonly name: SessionType;
  readonly version: string;
  readonly bytes: number;
  readonly answer: (contents: readonly SessionContent[]) => Promise<Answer[]>;
  readonly release: () => void;
}

/** @param memoryBytes What the weights of all loaded versions may take; one version is always kept. */
export function createInference(runtime: Runtime, memoryBytes: number): Inference {
  // In the order of their last use, as a Map keeps the order of insertion.
  const loaded = new Map<string, LoadedModel>();

  function release(sha256: string): void {
    loaded.get(sha256)?.release();
    loaded.delete(sha256);
  }

  function makeRoom(): void {
    for (const sha256 of loaded.keys()) {
      const taken = [...loaded.values()].reduce((sum, { bytes }) => sum + bytes, 0);
      if (taken <= memoryBytes || loaded.size === 1) return;
      release(sha256);
    }
  }

  return {
    async load(artefact) {
      const { name, version } = loaded.get(artefact.sha256) ?? {};
      if (name === artefact.name && version === artefact.version) return;
      loaded.set(artefact.sha256, await loadModel(runtime, artefact));
      makeRoom();
    },
    release,
    async analyze(sha256, contents) {
      const model = loaded.get(sha256);
      if (model === undefined) return null;
      loaded.delete(sha256);
      loaded.set(sha256, model);
      return model.answer(contents);
    },
  };
}

function loadModel(runtime: Runtime, artefact: ArtefactFile): Promise<LoadedModel> {
  switch (artefact.name) {
    case 'remote_viewing':
      return prepare(models.remote_viewing, runtime, artefact);
    case 'dowsing':
      return prepare(models.dowsing, runtime, artefact);
    case 'precognition':
      return prepare(models.precognition, runtime, artefact);
    case 'intuitive_analysis':
      return prepare(models.intuitive_analysis, runtime, artefact);
  }
}

async function prepare<T extends SessionType>(
  model: Model<T>,
  runtime: Runtime,
  artefact: ArtefactFile,
): Promise<LoadedModel> {
  const { name, version, weights } = unpackArtefact(artefact.bytes, artefact.sha256);
  if (name !== artefact.name || version !== artefact.version) {
    throw new ArtefactCorruptError(`The artefact is ${name} ${version}, not ${artefact.name} ${artefact.version}`);
  }
  if (architectureOf(version) !== model.architecture) {
    throw new ArtefactCorruptError(`${name} ${version} is not of architecture ${model.architecture}, which is ours`);
  }
  const { value: predict, release } = held(runtime.tf, () => model.load(runtime, weights));
  const ready = { model, runtime, predict, stamp: { name, version, backend: runtime.backend } };
  const [warm] = await answerAll(ready, [model.example]);
  if (warm?.kind !== 'analysis') {
    release();
    throw new ArtefactCorruptError(`${name} ${version} cannot analyze its own example`, { cause: warm });
  }
  return {
    name,
    version,
    bytes: Object.values(weights).reduce((sum, { values }) => sum + values.byteLength, 0),
    answer: (contents) =>
      answerAll(
        ready,
        contents.map((content) => inputOf(content, model.sessionType)),
      ),
    release,
  };
}

type ContentOf<T extends SessionType> = SessionContent & { readonly impressions?: ImpressionsOf<T> | undefined };

function isOf<T extends SessionType>(content: SessionContent, sessionType: T): content is ContentOf<T> {
  return content.sessionType === sessionType;
}

/** What a model reads of a session; null when there is nothing to read. */
export function inputOf<T extends SessionType>(content: SessionContent, sessionType: T): ModelInput<T> | null {
  if (!isOf(content, sessionType)) throw new RangeError(`A session of ${content.sessionType} came to ${sessionType}`);
  const { impressions, metadata } = content;
  return impressions === undefined ? null : { impressions, metadata };
}

interface ReadyModel<T extends SessionType> {
  readonly model: Model<T>;
  readonly runtime: Runtime;
  readonly predict: Predict;
  readonly stamp: ModelStamp;
}

/** Encodes each session, sends through the network together those that could be, and reports each. */
export async function answerAll<T extends SessionType>(
  { model, runtime, predict, stamp }: ReadyModel<T>,
  sessions: readonly (ModelInput<T> | null)[],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const encoded: { readonly i: number; readonly input: ModelInput<T>; readonly inputs: NamedTensors }[] = [];
  sessions.forEach((input, i) => {
    try {
      if (input === null) throw new UnanalyzableError('The session has no impressions.');
      encoded.push({ i, input, inputs: model.encode(input, runtime) });
    } catch (error) {
      answers[i] = failureOf(error);
    }
  });
  const predicted = await predictEach(
    predict,
    encoded.map(({ inputs }) => inputs),
  );
  encoded.forEach(({ i, input, inputs }, e) => {
    try {
      const said = { input, inputs, outputs: at(predicted, e)() };
      const results = model.report({ ...said, model: stamp });
      if (!results.every(({ data }) => allFinite(data))) {
        throw new UnanalyzableError('The numbers in the impressions are too large or too small to be computed with.');
      }
      answers[i] = { kind: 'analysis', analysis: { results, observed: model.observe(said) } };
    } catch (error) {
      answers[i] = failureOf(error);
    }
  });
  return answers;
}

/** The outputs of each session, or what it throws: where the batch as a whole fails, each session is tried alone. */
async function predictEach(predict: Predict, sessions: readonly NamedTensors[]): Promise<(() => NamedTensors)[]> {
  if (sessions.length === 0) return [];
  try {
    return (await predict(sessions)).map((outputs) => () => outputs);
  } catch (error) {
    if (sessions.length > 1) {
      const each = [];
      for (const session of sessions) each.push(...(await predictEach(predict, [session])));
      return each;
    }
    return [
      () => {
        throw error;
      },
    ];
  }
}

function failureOf(error: unknown): Answer {
  return error instanceof UnanalyzableError
    ? { kind: 'unanalyzable', message: error.message }
    : { kind: 'failed', error };
}

/** Whether every number in a result can be written as JSON. */
function allFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(allFinite);
}
