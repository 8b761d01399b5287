import { buildWorkflowBundle, bundlePath } from '../workers/workflowBundle.ts';
import { coverageBundlePath, instrumented } from './workflowCoverage.ts';

/** Builds the workflows for the tests: as workers run them, and once more so that their lines are counted. */
await buildWorkflowBundle(bundlePath);
await buildWorkflowBundle(coverageBundlePath, instrumented);
