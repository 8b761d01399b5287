// Builds the native backend of TensorFlow.js from what the package registries hold (`npm run ml:native`).
// Plain Node without dependency, since it may run before anything is installed. Where it cannot be done, one sentence
// says why and the exit code is 0: WASM and plain JavaScript serve then.

import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CannotMake, makeOnce, run } from '../fetch/make.mjs';
import { unpackWheel } from '../fetch/wheel.mjs';
import { nativeFolder, parts } from './location.mjs';

/** @param {string} folder */
function refuseOtherMachines(folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new CannotMake(`it is made for Linux on x64, and this is ${process.platform} on ${process.arch}`);
  }
  run('g++', ['--version'], { cwd: folder, otherwise: 'there is no g++ (Debian: apt-get install g++)' });
}

/**
 * Puts TensorFlow's libraries where tfjs-node looks for them, and leaves its C headers in the folder `tensorflow`.
 *
 * @param {string} folder
 */
function fetchLibraries(folder) {
  const libraries = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
  const platform = ['--implementation=cp', '--python-version=3.11', '--abi=cp311', '--platform=manylinux2014_x86_64'];
  const headers = ['tensorflow/c', 'xla/tsl/c', 'tensorflow/core/platform', 'tsl/platform'];
  unpackWheel(
    { requirement: parts.wheel, sha256: parts.wheelSha256, platform },
    { folder, members: [...libraries, ...headers.map((header) => `tensorflow/include/${header}/`)] },
  );
  const lib = path.join(folder, 'node_modules/@tensorflow/tfjs-node/deps/lib');
  mkdirSync(lib, { recursive: true });
  for (const library of libraries) renameSync(path.join(folder, library), path.join(lib, path.basename(library)));
  symlinkSync('libtensorflow_cc.so.2', path.join(lib, 'libtensorflow.so.2'));
}

/** @param {string} folder */
function compileBinding(folder) {
  const home = path.join(folder, 'node_modules/@tensorflow/tfjs-node');
  const output = path.join(home, 'lib/napi-v8');
  mkdirSync(output, { recursive: true });
  const args = ['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', '-w'];
  const include = [
    '-I',
    path.join(folder, 'tensorflow/include'),
    '-I',
    path.join(folder, 'node_modules/node-api-headers/include'),
    '-I',
    home,
  ];
  const link = [
    '-L',
    path.join(home, 'deps/lib'),
    '-l:libtensorflow.so.2',
    '-l:libtensorflow_framework.so.2',
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
  ];
  run(
    'g++',
    [
      ...args,
      ...include,
      'binding/tfjs_backend.cc',
      'binding/tfjs_binding.cc',
      '-o',
      path.join(output, 'tfjs_binding.node'),
      ...link,
    ],
    {
      cwd: home,
      otherwise: 'the binding did not compile',
    },
  );
}

/**
 * Computes a convolution with its gradient in a process of its own: what loads but cannot compute must not be kept.
 *
 * @param {string} folder
 */
function selfTest(folder) {
  const test = `
    const { loadNative } = await import(${JSON.stringify(new URL('load.mjs', import.meta.url).href)});
    const tf = loadNative(${JSON.stringify(folder)});
    if (tf === null || tf.getBackend() !== 'tensorflow') throw new Error('the native backend is not the active one');
    const sum = (x) => tf.conv2d(x, tf.ones([2, 2, 1, 1]), 1, 'valid').sum();
    const gradient = await tf.grad(sum)(tf.ones([1, 3, 3, 1])).data();
    if (gradient.join() !== '1,2,1,2,4,2,1,2,1') throw new Error('a gradient came out wrong: ' + gradient.join());
  `;
  run(process.execPath, ['--input-type=module', '--eval', test], { cwd: folder, otherwise: 'the self-test failed' });
}

makeOnce({
  command: 'ml:native',
  title: 'the native backend',
  target: nativeFolder(),
  otherwise: 'models run on WebAssembly instead',
  make(folder, say) {
    refuseOtherMachines(folder);
    say('installing tfjs-node without its download');
    for (const file of ['package.json', 'package-lock.json']) {
      copyFileSync(fileURLToPath(new URL(file, import.meta.url)), path.join(folder, file));
    }
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      otherwise: 'npm could not install tfjs-node',
    });
    say('downloading TensorFlow (220 MB) with pip');
    fetchLibraries(folder);
    say('compiling the binding');
    compileBinding(folder);
    rmSync(path.join(folder, 'tensorflow'), { recursive: true });
    say('testing it');
    selfTest(folder);
  },
});
