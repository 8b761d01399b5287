import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

/** Where `npm run build` leaves the workflows, and where the CPU workers find them. */
const bundlePath = fileURLToPath(new URL('../dist/workflows.js', import.meta.url));
const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));

/** Bundles the workflows into one file, as Temporal's sandbox wants them. */
export async function buildWorkflowBundle(
  workflowInterceptorModules: string[],
): Promise<{ path: string; bytes: number }> {
  const { code } = await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules });
  await mkdir(fileURLToPath(new URL('../dist/', import.meta.url)), { recursive: true });
  await writeFile(bundlePath, code);
  return { path: bundlePath, bytes: Buffer.byteLength(code) };
}

/** Thrown when the workers are started before the workflows were built. */
export class MissingBundleError extends Error {
  override readonly name = 'MissingBundleError';
}

/**
 * The bundle that was built. Building is never done in passing at start: a worker that built its own could differ
 * from its neighbours.
 *
 * @throws MissingBundleError
 */
export async function readWorkflowBundle(): Promise<{ code: string }> {
  try {
    return { code: await readFile(bundlePath, 'utf8') };
  } catch (error) {
    throw new MissingBundleError('The workflows are not built: run "npm run build" first.', { cause: error });
  }
}
