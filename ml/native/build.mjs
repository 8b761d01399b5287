// Builds the native backend of TensorFlow.js from what the package registries hold (`npm run ml:native`).
// Plain Node without dependency, since it may run before anything is installed. Where it cannot be done, one sentence
// says why and the exit code is 0: WASM and plain JavaScript serve then.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nativeFolder, parts } from './location.mjs';

class CannotBuild extends Error {}

/**
 * Runs a program to its end and answers what it printed.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd: string, otherwise: string }} options `otherwise` says what it means when the program fails.
 * @returns {string}
 */
function run(program, args, { cwd, otherwise }) {
  const done = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 15 * 60_000, maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return done.stdout;
  const reason = (done.stderr ?? '')
    .split('\n')
    .find((line) => /\berror\b/i.test(line))
    ?.trim();
  throw new CannotBuild(`${otherwise}${reason ? ` (${reason})` : ''}`);
}

/** @param {string} line */
function say(line) {
  console.log(`ml:native: ${line}`);
}

/** @param {string} folder */
function refuseOtherMachines(folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new CannotBuild(`it is made for Linux on x64, and this is ${process.platform} on ${process.arch}`);
  }
  run('g++', ['--version'], { cwd: folder, otherwise: 'there is no g++ (Debian: apt-get install g++)' });
  run('python3', ['-m', 'pip', '--version'], {
    cwd: folder,
    otherwise: 'there is no pip (Debian: apt-get install python3-pip)',
  });
}

/**
 * Takes the libraries and the C headers out of the wheel, whose checksum pip itself compares with the pinned one.
 *
 * @param {string} folder
 */
function fetchLibraries(folder) {
  say('downloading TensorFlow (220 MB) with pip');
  writeFileSync(path.join(folder, 'wheel.txt'), `${parts.wheel} --hash=sha256:${parts.wheelSha256}\n`);
  const platform = [
    '--only-binary=:all:',
    '--implementation=cp',
    '--python-version=3.11',
    '--abi=cp311',
    '--platform=manylinux2014_x86_64',
  ];
  run(
    'python3',
    [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--require-hashes',
      '--timeout=20',
      '--retries=2',
      ...platform,
      '--dest=wheel',
      '--requirement=wheel.txt',
    ],
    { cwd: folder, otherwise: 'pip could not download it' },
  );
  const [wheel] = readdirSync(path.join(folder, 'wheel'));
  if (wheel === undefined) throw new CannotBuild('pip left no wheel');
  say('taking its libraries and headers out');
  const extract = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall("unpacked", [name for name in wheel.namelist() if name in sys.argv[2:4] or name.startswith(("tensorflow/include/tensorflow/c/", "tensorflow/include/xla/tsl/c/", "tensorflow/include/tensorflow/core/platform/", "tensorflow/include/tsl/platform/"))])
`;
  const libraries = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
  run('python3', ['-c', extract, path.join('wheel', wheel), ...libraries], {
    cwd: folder,
    otherwise: 'the wheel could not be unpacked',
  });
  const lib = path.join(folder, 'node_modules/@tensorflow/tfjs-node/deps/lib');
  mkdirSync(lib, { recursive: true });
  for (const library of libraries)
    renameSync(path.join(folder, 'unpacked', library), path.join(lib, path.basename(library)));
  symlinkSync('libtensorflow_cc.so.2', path.join(lib, 'libtensorflow.so.2'));
}

/** @param {string} folder */
function compileBinding(folder) {
  say('compiling the binding');
  const home = path.join(folder, 'node_modules/@tensorflow/tfjs-node');
  const output = path.join(home, 'lib/napi-v8');
  mkdirSync(output, { recursive: true });
  const args = ['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', '-w'];
  const include = [
    '-I',
    path.join(folder, 'unpacked/tensorflow/include'),
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

/** Everything is made under another name and put in place at the end, so that a broken attempt is never found. */
function build() {
  const target = nativeFolder();
  if (existsSync(target)) {
    say('the native backend is there');
    return;
  }
  mkdirSync(path.dirname(target), { recursive: true });
  const folder = mkdtempSync(`${target}.making-`);
  try {
    refuseOtherMachines(folder);
    say('installing tfjs-node without its download');
    for (const file of ['package.json', 'package-lock.json']) {
      copyFileSync(fileURLToPath(new URL(file, import.meta.url)), path.join(folder, file));
    }
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      otherwise: 'npm could not install tfjs-node',
    });
    fetchLibraries(folder);
    compileBinding(folder);
    for (const made of ['wheel', 'wheel.txt', 'unpacked']) rmSync(path.join(folder, made), { recursive: true });
    say('testing it');
    selfTest(folder);
    if (!existsSync(target)) renameSync(folder, target);
    say(`built: ${target}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  build();
} catch (error) {
  if (!(error instanceof CannotBuild)) throw error;
  say(`skipped, since ${error.message}; models run on WebAssembly instead.`);
}
