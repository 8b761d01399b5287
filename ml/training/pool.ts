import { SHARE_ENV } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { minuteMs } from '../../domain/time.ts';
import type { BackendChoice } from '../backend.ts';
import type { Jobs } from './jobs.ts';

/** What a thread is started with, and what it is asked. */
export interface ThreadStart {
  readonly backend: BackendChoice;
  readonly recipesUrl: string;
}
export interface ThreadJob {
  readonly job: keyof Jobs;
  readonly input: unknown;
}

interface TrainingPoolOptions {
  /** How many jobs are done at once; each thread has its own TensorFlow.js. */
  readonly threads: number;
  readonly backend: BackendChoice;
  /** The module whose `recipes` are known; the real ones by default. */
  readonly recipes?: URL;
}

type Answer<J extends keyof Jobs> = Awaited<ReturnType<Jobs[J]>>;

/** Does the jobs of trainings off the event loop, so that heartbeats and inference go on beside them. */
export interface TrainingPool {
  readonly threads: number;
  /**
   * @throws the signal's reason when it is aborted; the thread is stopped at once and replaced.
   */
  run<J extends keyof Jobs>(job: J, input: Parameters<Jobs[J]>[0], signal: AbortSignal): Promise<Answer<J>>;
  close(): Promise<void>;
}

/** Threads are started when a training asks for them, and end when none has for a while. */
export function createTrainingPool({
  threads,
  backend,
  recipes = new URL('recipes.ts', import.meta.url),
}: TrainingPoolOptions): TrainingPool {
  const start: ThreadStart = { backend, recipesUrl: recipes.href };
  // What comes back is of the type of its job, which the compiler cannot follow through the thread.
  const pool = new Piscina<ThreadJob, never>({
    filename: new URL('thread.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: minuteMs,
    concurrentTasksPerWorker: 1,
    workerData: start,
    // Sessions that wait for an answer come before trainings, which wait for nobody.
    niceIncrement: 10,
    // The native library reads how much it may log from the real environment, not from a thread's copy.
    env: SHARE_ENV,
  });
  return {
    threads,
    async run(job, input, signal) {
      signal.throwIfAborted();
      try {
        return await pool.run({ job, input }, { signal });
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      }
    },
    close: () => pool.destroy(),
  };
}
