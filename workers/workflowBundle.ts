import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type BundleOptions } from '@temporalio/worker';
import { workflowTracingModule } from '../observability/temporalTracing.ts';
import { failureConverterPath } from '../temporal/codec.ts';

/** Where `npm run build` leaves the workflows, and where the CPU workers find them. */
export const bundlePath = fileURLToPath(new URL('../dist/workflows.js', import.meta.url));
const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));

/** Bundles the workflows of this checkout, as Temporal's sandbox wants them; `adapt` may change how. */
export async function bundleWorkflows(
  adapt: (options: BundleOptions) => BundleOptions = (options) => options,
): Promise<{ code: string }> {
  return bundleWorkflowCode(
    adapt({
      workflowsPath,
      workflowInterceptorModules: [workflowTracingModule],
      failureConverterPath,
      logger: new DefaultLogger('WARN'),
    }),
  );
}

/** The workflows of this checkout for a replay: what they throw is told, and not sealed as for the server. */
export async function bundleForReplay(
  adapt: (options: BundleOptions) => BundleOptions = (options) => options,
): Promise<{ code: string }> {
  return bundleWorkflows(({ failureConverterPath: _sealing, ...options }) => adapt(options));
}

/** Bundles the workflows into a file. */
export async function buildWorkflowBundle(
  path: string,
  adapt?: (options: BundleOptions) => BundleOptions,
): Promise<void> {
  const { code } = await bundleWorkflows(adapt);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, code);
}

/** Thrown when a worker is started before the workflows were built. */
class MissingBundleError extends Error {
  override readonly name = 'MissingBundleError';
}

/**
 * The bundle that was built. Building is never done in passing at start: a worker that built its own could differ
 * from its neighbours.
 *
 * @throws MissingBundleError
 */
export async function readWorkflowBundle(path = bundlePath): Promise<{ code: string }> {
  try {
    return { code: await readFile(path, 'utf8') };
  } catch (error) {
    throw new MissingBundleError('The workflows are not built: run "npm run build" first.', { cause: error });
  }
}
