import { createRequire } from 'node:module';
import path from 'node:path';
import { loadNative } from './native/load.mjs';
import { nativeFolder } from './native/location.mjs';
import type { SentenceEncoder } from './sentences/encoder.ts';
import type { Tf } from './tensors.ts';

/** What TensorFlow.js computes on, as every result records it. */
export type Backend = 'tensorflow-gpu' | 'tensorflow-cpu' | 'wasm' | 'js';

/** `auto` takes the first that is present of native, WebAssembly and plain JavaScript. */
export type BackendChoice = 'auto' | 'native' | 'wasm' | 'js';

/** What a model computes with. */
export interface Runtime {
  readonly tf: Tf;
  readonly backend: Backend;
  /** Turns texts into vectors of meaning; null where its weights were not fetched, and then words are not analyzed. */
  readonly sentences: SentenceEncoder | null;
}

/**
 * Makes TensorFlow.js ready on the backend asked for.
 *
 * @throws Error when a backend that was asked for by name is not there.
 */
export async function openBackend(choice: BackendChoice = 'auto'): Promise<Runtime> {
  switch (choice) {
    case 'native':
      return openNative();
    case 'wasm':
      return openWasm();
    case 'js':
      return openJs();
    case 'auto':
      return openNative().catch(openWasm).catch(openJs);
  }
}

async function openNative(): Promise<Runtime> {
  const tf = loadNative(nativeFolder());
  if (tf === null) throw new Error('The native backend was not built: npm run ml:native');
  await tf.ready();
  tf.enableProdMode();
  const computes: object = tf.backend();
  const onGpu = 'isUsingGpuDevice' in computes && computes.isUsingGpuDevice === true;
  return { tf, backend: onGpu ? 'tensorflow-gpu' : 'tensorflow-cpu', sentences: null };
}

async function openWasm(): Promise<Runtime> {
  const tf = await import('@tensorflow/tfjs');
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const entryPoint = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${path.dirname(entryPoint)}/`);
  return { tf: await activate(tf, 'wasm'), backend: 'wasm', sentences: null };
}

async function openJs(): Promise<Runtime> {
  return { tf: await activate(await import('@tensorflow/tfjs'), 'cpu'), backend: 'js', sentences: null };
}

async function activate(tf: Tf, name: string): Promise<Tf> {
  tf.enableProdMode();
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not start its backend "${name}"`);
  await tf.ready();
  return tf;
}
