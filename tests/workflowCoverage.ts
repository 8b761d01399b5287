import { fileURLToPath } from 'node:url';
import type { BundleOptions } from '@temporalio/worker';
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';

/** The bundle whose lines count when they run, beside the one that workers use. */
export const coverageBundlePath = fileURLToPath(new URL('../dist/workflows.coverage.js', import.meta.url));

const coverage = new WorkflowCoverage();

/** Instruments the bundle; the library does so only where a coverage object exists. */
export function instrumented(options: BundleOptions): BundleOptions {
  Object.assign(globalThis, { __coverage__: {} });
  return coverage.augmentBundleOptions(options);
}

/** What a worker in a test needs to hand over which lines of its workflows ran. */
export const coverageSinks = coverage.sinks;

/** Adds what the workflows ran to jest's own count. Call it in `afterAll`. */
export function mergeWorkflowCoverage(): void {
  coverage.mergeIntoGlobalCoverage();
  const global = globalThis as { __coverage__?: unknown };
  // Jest reads plain data alone, and the library leaves objects of its own classes.
  if (global.__coverage__ !== undefined) global.__coverage__ = JSON.parse(JSON.stringify(global.__coverage__));
}
