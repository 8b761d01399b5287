import { SHARE_ENV } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { SessionContent } from '../domain/impressions.ts';
import type { ModelResult } from '../domain/results.ts';
import type { SessionType } from '../domain/session.ts';
import { unpackArtefact } from './artefact.ts';
import type { Backend, BackendChoice } from './backend.ts';
import { ArtefactCorruptError, InferenceInterruptedError, UnanalyzableError } from './errors.ts';
import type { EngineArtefact } from './inference.ts';

/** What a thread is started with, what it is asked, and what it answers; with no content it says that it is ready. */
export interface ThreadStart {
  readonly backend: BackendChoice;
  readonly artefacts: readonly EngineArtefact[];
}
export interface ThreadRequest {
  readonly content?: SessionContent;
}
export type ThreadAnswer =
  | { kind: 'ready'; backend: Backend }
  | { kind: 'results'; results: ModelResult[] }
  | { kind: 'unanalyzable'; message: string };

export interface EngineOptions {
  readonly artefacts: readonly EngineArtefact[];
  /** How many sessions are analyzed at once; 1 by default. Each thread holds its own models. */
  readonly threads?: number;
  /** `auto` by default: native, else WebAssembly, else plain JavaScript. */
  readonly backend?: BackendChoice;
}

/** Routes a session to its model and runs it off the event loop. */
export interface Engine {
  readonly backend: Backend;
  readonly models: readonly { name: SessionType; version: string }[];
  /**
   * @throws UnanalyzableError when no model can read the session (final).
   * @throws InferenceInterruptedError when the thread died meanwhile (try again).
   * @throws the signal's reason when it is aborted; the thread is stopped and replaced.
   */
  analyze(content: SessionContent, options?: { signal?: AbortSignal }): Promise<ModelResult[]>;
  close(): Promise<void>;
}

/**
 * Checks the artefacts, starts the threads and waits until each has loaded and warmed its models.
 *
 * @throws ArtefactCorruptError when an artefact is not what its checksum or its name says.
 */
export async function createEngine({ artefacts, threads = 1, backend = 'auto' }: EngineOptions): Promise<Engine> {
  artefacts.forEach(check);
  const start: ThreadStart = { backend, artefacts };
  const pool = new Piscina<ThreadRequest, ThreadAnswer>({
    filename: new URL('inference-thread.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    // One session at a time in a thread: while it computes it cannot answer another.
    concurrentTasksPerWorker: 1,
    workerData: start,
    // The native library reads how much it may log from the real environment, not from a thread's copy.
    env: SHARE_ENV,
  });
  try {
    const answers = await Promise.all(Array.from({ length: threads }, () => pool.run({})));
    const [ready] = answers;
    if (ready?.kind !== 'ready') throw new Error('An inference thread did not become ready');
    return {
      backend: ready.backend,
      models: artefacts.map(({ name, version }) => ({ name, version })),
      analyze: (content, { signal } = {}) => ask(pool, content, signal),
      close: () => pool.destroy(),
    };
  } catch (error) {
    await pool.destroy();
    throw error;
  }
}

function check({ name, version, sha256, bytes }: EngineArtefact): void {
  const found = unpackArtefact(bytes, sha256);
  if (found.name !== name || found.version !== version) {
    throw new ArtefactCorruptError(`The artefact is ${found.name} ${found.version}, not ${name} ${version}`);
  }
}

async function ask(
  pool: Piscina<ThreadRequest, ThreadAnswer>,
  content: SessionContent,
  signal: AbortSignal | undefined,
): Promise<ModelResult[]> {
  signal?.throwIfAborted();
  const answer = await pool.run({ content }, { signal: signal ?? null }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new InferenceInterruptedError('The inference thread did not finish; another takes its place.', {
      cause: error,
    });
  });
  switch (answer.kind) {
    case 'results':
      return answer.results;
    case 'unanalyzable':
      throw new UnanalyzableError(answer.message);
    case 'ready':
      throw new InferenceInterruptedError('The inference thread answered another question.');
  }
}
