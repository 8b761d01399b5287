// One thread of a training: its own TensorFlow.js. Everything else is in jobs.ts.

import { workerData } from 'node:worker_threads';
import { openBackend } from '../backend.ts';
import { createJobs, type Recipes } from './jobs.ts';
import type { ThreadJob, ThreadStart } from './pool.ts';

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- The pool alone starts this file, with this.
const { backend, recipesUrl } = workerData as ThreadStart;
const runtime = await openBackend(backend);
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- The pool names a module of recipes.
const { recipes } = (await import(recipesUrl)) as { recipes: Recipes };
const jobs = createJobs(runtime, recipes);

export default function run({ job, input }: ThreadJob): Promise<unknown> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- The pool gives each job its own input.
  return jobs[job](input as never);
}
