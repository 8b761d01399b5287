import { buildWorkflowBundle, bundlePath } from './workflowBundle.ts';

/** `npm run build`: everything else runs as it is written. */
await buildWorkflowBundle(bundlePath);
console.log('dist/workflows.js is built');
