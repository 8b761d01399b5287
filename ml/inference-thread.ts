// One thread of the engine: its own TensorFlow.js, its own copy of the models. Everything else is in inference.ts.

import { workerData } from 'node:worker_threads';
import { openBackend } from './backend.ts';
import { ArtefactCorruptError } from './errors.ts';
import { createInference } from './inference.ts';
import type { ThreadAnswer, ThreadRequest, ThreadStart } from './thread.ts';

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- openThread alone starts this file, with this.
const { backend, memoryBytes } = workerData as ThreadStart;
const runtime = await openBackend(backend);
const inference = createInference(runtime, memoryBytes);

/** Errors that must keep their kind travel as data. */
export default async function answer(request: ThreadRequest): Promise<ThreadAnswer> {
  switch (request.kind) {
    case 'open':
      return { kind: 'ready', backend: runtime.backend, readsWords: runtime.sentences !== null };
    case 'load':
      try {
        await inference.load(request.artefact);
        return { kind: 'loaded' };
      } catch (error) {
        if (error instanceof ArtefactCorruptError) return { kind: 'refused', reason: error.message };
        throw error;
      }
    case 'release':
      inference.release(request.sha256);
      return { kind: 'released' };
    case 'analyze': {
      const answers = await inference.analyze(request.sha256, request.contents);
      return answers === null ? { kind: 'not_loaded' } : { kind: 'answers', answers };
    }
  }
}
