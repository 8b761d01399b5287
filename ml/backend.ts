import { createRequire } from 'node:module';
import path from 'node:path';
import { loadNative } from './native/load.mjs';
import { nativeFolder } from './native/location.mjs';
import { openSentenceEncoder, type SentenceEncoder } from './sentences/encoder.ts';
import type { Tf } from './tensors.ts';

/** What TensorFlow.js computes on, as every result records it. */
export type Backend = 'tensorflow-gpu' | 'tensorflow-cpu' | 'wasm' | 'js';

/** `auto` takes the first that is present of native, WebAssembly and plain JavaScript. */
export type BackendChoice = 'auto' | 'native' | 'wasm' | 'js';

/** What a model computes with. */
export interface Runtime {
  readonly tf: Tf;
  readonly backend: Backend;
  /** Turns texts into vectors of meaning; null where it was not fetched, and then words are not analyzed. */
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
  return runtimeOf(tf, onGpu ? 'tensorflow-gpu' : 'tensorflow-cpu');
}

async function openWasm(): Promise<Runtime> {
  const tf = await import('@tensorflow/tfjs');
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const entryPoint = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${path.dirname(entryPoint)}/`);
  return runtimeOf(await activate(tf, 'wasm'), 'wasm');
}

async function openJs(): Promise<Runtime> {
  return runtimeOf(await activate(await import('@tensorflow/tfjs'), 'cpu'), 'js');
}

function runtimeOf(tf: Tf, backend: Backend): Runtime {
  return { tf, backend, sentences: openSentenceEncoder(tf) };
}

async function activate(tf: Tf, name: string): Promise<Tf> {
  tf.enableProdMode();
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not start its backend "${name}"`);
  await tf.ready();
  return tf;
}
