import { SHARE_ENV } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { SessionContent } from '../domain/content.ts';
import type { Backend, BackendChoice } from './backend.ts';
import { ArtefactCorruptError, InferenceInterruptedError } from './errors.ts';
import type { Answer, ArtefactFile } from './inference.ts';

/** What a thread is started with, what it is asked, and what it answers. */
export interface ThreadStart {
  readonly backend: BackendChoice;
  readonly memoryBytes: number;
}
export type ThreadRequest =
  | { readonly kind: 'open' }
  | { readonly kind: 'load'; readonly artefact: ArtefactFile }
  | { readonly kind: 'release'; readonly sha256: string }
  | { readonly kind: 'analyze'; readonly sha256: string; readonly contents: readonly SessionContent[] };
export type ThreadAnswer =
  | { readonly kind: 'ready'; readonly backend: Backend; readonly readsWords: boolean }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'released' }
  | { readonly kind: 'answers'; readonly answers: Answer[] }
  | { readonly kind: 'not_loaded' };

/**
 * A thread with models of its own. It does one thing after the other, in the order asked; when it dies, what it was
 * asked fails with InferenceInterruptedError, and another takes its place, with no model loaded.
 */
export interface Thread {
  readonly backend: Backend;
  /** Whether the sentence encoder is there; without it words are not analyzed. */
  readonly readsWords: boolean;
  /** @throws ArtefactCorruptError when the artefact is refused. */
  load(artefact: ArtefactFile): Promise<void>;
  release(sha256: string): Promise<void>;
  /**
   * Answers in the order of the contents; null when that version is not loaded.
   *
   * @param signal When it is aborted, the thread is stopped and replaced.
   */
  analyze(sha256: string, contents: readonly SessionContent[], signal: AbortSignal): Promise<Answer[] | null>;
  close(): Promise<void>;
}

/** Starts a thread and waits until it can compute. */
export async function openThread(start: ThreadStart): Promise<Thread> {
  const pool = new Piscina<ThreadRequest, ThreadAnswer>({
    filename: new URL('inference-thread.ts', import.meta.url).href,
    // A pool of one, since what a thread has loaded makes it different from the others.
    minThreads: 1,
    maxThreads: 1,
    workerData: start,
    // The native library reads how much it may log from the real environment, not from a thread's copy.
    env: SHARE_ENV,
  });

  async function ask(request: ThreadRequest, signal?: AbortSignal): Promise<ThreadAnswer> {
    try {
      return await pool.run(request, { signal: signal ?? null });
    } catch (error) {
      throw new InferenceInterruptedError('The inference thread did not finish; another takes its place.', {
        cause: error,
      });
    }
  }

  const ready = await pool.run({ kind: 'open' }).catch(async (error: unknown) => {
    await pool.destroy();
    throw error;
  });
  if (ready.kind !== 'ready') throw unexpected(ready);
  return {
    backend: ready.backend,
    readsWords: ready.readsWords,
    async load(artefact) {
      const answer = await ask({ kind: 'load', artefact });
      if (answer.kind === 'refused') throw new ArtefactCorruptError(answer.reason);
    },
    async release(sha256) {
      await ask({ kind: 'release', sha256 });
    },
    async analyze(sha256, contents, signal) {
      const answer = await ask({ kind: 'analyze', sha256, contents }, signal);
      if (answer.kind === 'not_loaded') return null;
      if (answer.kind !== 'answers') throw unexpected(answer);
      return answer.answers;
    },
    close: () => pool.destroy(),
  };
}

function unexpected({ kind }: ThreadAnswer): Error {
  return new Error(`The inference thread answered another question: ${kind}`);
}
