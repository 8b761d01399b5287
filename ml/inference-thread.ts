// One thread of the engine: its own TensorFlow.js, its own copy of the models. Everything else is in inference.ts.

import { workerData } from 'node:worker_threads';
import { openBackend } from './backend.ts';
import { UnanalyzableError } from './errors.ts';
import type { ThreadAnswer, ThreadRequest, ThreadStart } from './engine.ts';
import { createInference } from './inference.ts';

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- The engine alone starts this file, with this.
const { backend, artefacts } = workerData as ThreadStart;
const runtime = await openBackend(backend);
const inference = await createInference(runtime, artefacts);

/** Answers which backend it computes on when asked nothing; errors that must keep their kind travel as data. */
export default async function answer({ content }: ThreadRequest): Promise<ThreadAnswer> {
  if (content === undefined) return { kind: 'ready', backend: runtime.backend };
  try {
    return { kind: 'results', results: await inference.analyze(content) };
  } catch (error) {
    if (error instanceof UnanalyzableError) return { kind: 'unanalyzable', message: error.message };
    throw error;
  }
}
