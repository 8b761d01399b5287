import type { SessionContent } from '../domain/content.ts';
import type { SessionType } from '../domain/session.ts';
import type { Backend, BackendChoice } from './backend.ts';
import { ModelFailedError, ModelMissingError, UnanalyzableError } from './errors.ts';
import { withImagesDrawn } from './images/drawing.ts';
import type { Analysis, Answer, ArtefactFile } from './inference.ts';
import { at } from './sequence.ts';
import { openThread, type Thread } from './thread.ts';
import { Waiting, type Waiter } from './waiting.ts';

/** A version of a model, and how its bytes are had whenever a thread needs them. */
export interface EngineArtefact extends Omit<ArtefactFile, 'bytes'> {
  readonly fetch: () => Promise<Uint8Array>;
}

/** The name of a version of a model. */
export type VersionName = Pick<EngineArtefact, 'name' | 'version'>;

/** Why a version is not served, in a sentence for operators. */
interface Refusal extends VersionName {
  readonly reason: string;
}

/** Sessions that a model answered together, or could not, when a thread died. */
export interface BatchFacts extends VersionName {
  readonly backend: Backend;
  readonly size: number;
  readonly tookMs: number;
  /** How long each of its sessions waited before, in milliseconds. */
  readonly queuedMs: readonly number[];
}

export interface EngineOptions {
  /** How many batches are computed at once; 1 by default. Each thread holds its own models. */
  readonly threads?: number;
  /** `auto` by default: native, else WebAssembly, else plain JavaScript. */
  readonly backend?: BackendChoice;
  /**
   * The most sessions that go through a network together; 32 by default, since beyond it a network gains little and
   * whoever comes later waits longer.
   */
  readonly largestBatch?: number;
  /** What the weights in all threads may take together; 1 GiB by default. */
  readonly memoryBytes?: number;
  /** Where a version is found that a session asks for and that is not served; null when there is none. */
  readonly find?: (wanted: VersionName) => Promise<EngineArtefact | null>;
  /** Told of every batch. */
  readonly onBatch?: (batch: BatchFacts) => void;
}

/** Analyzes sessions off the event loop, together those that ask for the same version of a model at the same time. */
export interface Engine {
  readonly backend: Backend;
  /** Whether the sentence encoder is there; without it words are not analyzed. */
  readonly readsWords: boolean;
  /** The versions that are served. */
  readonly models: readonly VersionName[];
  /**
   * Makes exactly these versions ready: what is new is fetched, checked, loaded and warmed in every thread, then what is
   * no longer named is let go, once the sessions that asked for it have their answers. While a version is refused, no
   * other of its model is let go, so that what worked goes on working.
   */
  serve(artefacts: readonly EngineArtefact[]): Promise<{ refused: Refusal[] }>;
  /**
   * @param options.version Which version of the model of the session's type; the one that is served, where it is only one.
   * @throws UnanalyzableError when the model cannot read the session (final).
   * @throws ModelMissingError when there is no such version.
   * @throws ArtefactCorruptError when a version that was not served yet is refused.
   * @throws InferenceInterruptedError when the thread died meanwhile (try again).
   * @throws ModelFailedError when the model broke on this session.
   * @throws the signal's reason when it is aborted; a thread that works for nobody else is stopped and replaced.
   */
  analyze(content: SessionContent, options?: { version?: string; signal?: AbortSignal }): Promise<Analysis>;
  close(): Promise<void>;
}

const defaultMemoryBytes = 1024 ** 3;

interface Request extends Waiter {
  readonly content: SessionContent;
  readonly artefact: EngineArtefact;
  readonly answer: PromiseWithResolvers<Analysis>;
  readonly signal: AbortSignal | undefined;
}

/** How many sessions a model answers together at most. */
export const largestBatchSize = 32;

/** Starts the threads; nothing is served yet. */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const {
    threads: threadCount = 1,
    backend = 'auto',
    largestBatch = largestBatchSize,
    memoryBytes = defaultMemoryBytes,
    find = () => Promise.resolve(null),
    onBatch = () => undefined,
  } = options;
  const start = { backend, memoryBytes: memoryBytes / threadCount };
  const threads = await Promise.all(Array.from({ length: threadCount }, () => openThread(start)));
  const served = new Map<string, EngineArtefact>();
  const waiting = new Waiting<Request>();
  const unanswered = new Set<Request>();
  const idle = new Set(threads);
  let lastServe: Promise<unknown> = Promise.resolve();

  async function artefactOf(name: SessionType, version: string | undefined): Promise<EngineArtefact> {
    if (version === undefined) {
      const [only, ...others] = [...served.values()].filter((artefact) => artefact.name === name);
      if (only === undefined) throw new ModelMissingError(`No model for ${name} is loaded`);
      if (others.length > 0) throw new ModelMissingError(`Several versions of ${name} are served: one must be named`);
      return only;
    }
    const artefact = served.get(keyOf({ name, version })) ?? (await find({ name, version }));
    if (artefact === null) throw new ModelMissingError(`There is no ${name} ${version}`);
    return artefact;
  }

  /** Each idle thread takes what has gathered; a busy one lets requests gather meanwhile. */
  function dispatch(): void {
    for (const thread of idle) {
      const batch = waiting.take(largestBatch);
      if (batch.length === 0) return;
      idle.delete(thread);
      void answerBatch(thread, batch, onBatch).finally(() => {
        idle.add(thread);
        // Whoever has just been answered may ask again at once, and goes with those who gathered meanwhile.
        setImmediate(dispatch);
      });
    }
  }

  async function loadEverywhere(artefact: EngineArtefact): Promise<void> {
    const file = await fileOf(artefact);
    await Promise.all(threads.map((thread) => thread.load(file)));
  }

  async function letGo(key: string, artefact: EngineArtefact): Promise<void> {
    served.delete(key);
    const asked = [...unanswered].filter(({ artefact: { sha256 } }) => sha256 === artefact.sha256);
    await Promise.allSettled(asked.map(({ answer }) => answer.promise));
    // A thread that dies meanwhile holds nothing any more either.
    await Promise.allSettled(threads.map((thread) => thread.release(artefact.sha256)));
  }

  async function serve(artefacts: readonly EngineArtefact[]): Promise<{ refused: Refusal[] }> {
    const refused: Refusal[] = [];
    for (const artefact of artefacts) {
      if (served.get(keyOf(artefact))?.sha256 === artefact.sha256) continue;
      try {
        await loadEverywhere(artefact);
        served.set(keyOf(artefact), artefact);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        refused.push({ name: artefact.name, version: artefact.version, reason });
      }
    }
    const kept = new Set(artefacts.map(keyOf));
    const refusedNames = new Set(refused.map(({ name }) => name));
    for (const [key, artefact] of served) {
      if (!kept.has(key) && !refusedNames.has(artefact.name)) await letGo(key, artefact);
    }
    return { refused };
  }

  return {
    backend: at(threads, 0).backend,
    readsWords: at(threads, 0).readsWords,
    get models() {
      return [...served.values()].map(({ name, version }) => ({ name, version }));
    },
    serve(artefacts) {
      // One after the other, so that two calls do not undo each other half way.
      const done = lastServe.then(() => serve(artefacts));
      lastServe = done;
      return done;
    },
    async analyze(content, { version, signal } = {}) {
      signal?.throwIfAborted();
      const artefact = await artefactOf(content.sessionType, version);
      const drawn = await withImagesDrawn(content);
      signal?.throwIfAborted();
      const request: Request = {
        key: artefact.sha256,
        arrivedAtMs: performance.now(),
        content: drawn,
        artefact,
        answer: Promise.withResolvers(),
        signal,
      };
      const abandon = () => {
        waiting.remove(request);
        request.answer.reject(signal?.reason);
      };
      signal?.addEventListener('abort', abandon);
      unanswered.add(request);
      waiting.add(request);
      // What arrives in the same turn of the event loop goes together.
      setImmediate(dispatch);
      try {
        return await request.answer.promise;
      } finally {
        unanswered.delete(request);
        signal?.removeEventListener('abort', abandon);
      }
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

async function fileOf({ name, version, sha256, fetch }: EngineArtefact): Promise<ArtefactFile> {
  return { name, version, sha256, bytes: await fetch() };
}

function keyOf({ name, version }: VersionName): string {
  return `${name} ${version}`;
}

/** Sends a batch to a thread and settles each of its requests. It never rejects. */
async function answerBatch(
  thread: Thread,
  batch: readonly Request[],
  onBatch: (facts: BatchFacts) => void,
): Promise<void> {
  const { artefact } = at(batch, 0);
  const startedAtMs = performance.now();
  const queuedMs = batch.map(({ arrivedAtMs }) => startedAtMs - arrivedAtMs);
  try {
    const answers = await answersOf(thread, artefact, batch);
    batch.forEach(({ answer }, i) => {
      settle(answer, at(answers, i));
    });
  } catch (error) {
    for (const { answer } of batch) answer.reject(error);
  }
  const { name, version } = artefact;
  const tookMs = performance.now() - startedAtMs;
  onBatch({ name, version, backend: thread.backend, size: batch.length, tookMs, queuedMs });
}

/** Asks a thread, which loads the version before if it was let go, or never loaded there. */
async function answersOf(thread: Thread, artefact: EngineArtefact, batch: readonly Request[]): Promise<Answer[]> {
  const contents = batch.map(({ content }) => content);
  const wantedByNobody = whenAllAborted(batch.map(({ signal }) => signal));
  for (;;) {
    const answers = await thread.analyze(artefact.sha256, contents, wantedByNobody);
    if (answers !== null) return answers;
    await thread.load(await fileOf(artefact));
  }
}

/** A signal that is aborted once all of these are; never, when one of them cannot be. */
function whenAllAborted(signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const all = new AbortController();
  let left = signals.length;
  for (const signal of signals) {
    signal?.addEventListener('abort', () => {
      left -= 1;
      if (left === 0) all.abort();
    });
  }
  return all.signal;
}

function settle(answer: PromiseWithResolvers<Analysis>, said: Answer): void {
  switch (said.kind) {
    case 'analysis':
      answer.resolve(said.analysis);
      return;
    case 'unanalyzable':
      answer.reject(new UnanalyzableError(said.message));
      return;
    case 'failed':
      answer.reject(new ModelFailedError('The model broke on this session', { cause: said.error }));
      return;
  }
}
