import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runChild } from './children.mjs';
import { readJson } from './files.mjs';
import { withLock } from './locks.mjs';
import { shown } from './paths.mjs';
import { Problem } from './problem.mjs';

/** @param {string} dir */
const markFile = (dir) => join(dir, 'node_modules', '.mindpeeker-lock');

/** @param {string} dir */
const lockHash = (dir) => {
  try {
    return createHash('sha256')
      .update(readFileSync(join(dir, 'package-lock.json')))
      .digest('hex');
  } catch {
    throw new Problem(
      'package-lock.json is missing, so nobody knows which packages belong here',
      'git checkout package-lock.json',
    );
  }
};

/**
 * Whether npm's own list of what lies in `node_modules` is what the lock file asks for. Optional packages may be missing:
 * most are for other systems.
 * @param {string} dir
 */
function installedAsLocked(dir) {
  /** @typedef {Record<string, {version?: string, integrity?: string, optional?: boolean, devOptional?: boolean}>} Packages */
  const read = (/** @type {string} */ path) =>
    /** @type {{packages?: Packages} | null} */ (readJson(join(dir, path)))?.packages;
  const wanted = read('package-lock.json');
  const installed = read('node_modules/.package-lock.json');
  if (!wanted || !installed) return false;
  const nothingOthers = Object.entries(installed).every(([path, found]) => {
    const entry = wanted[path];
    if (entry?.version !== found.version || entry?.integrity !== found.integrity) return false;
    // npm writes its list even where it was told to change the lock file alone, so what lies there is looked at too.
    const there = /** @type {{version?: string} | null} */ (readJson(join(dir, path, 'package.json')));
    return there?.version === found.version;
  });
  const nothingMissing = Object.entries(wanted).every(
    ([path, entry]) => path === '' || path in installed || entry.optional || entry.devOptional,
  );
  return nothingOthers && nothingMissing;
}

/**
 * Whether `node_modules` was installed from the lock file as it is now.
 * @param {string} dir
 */
export function packagesMatch(dir) {
  if (!existsSync(join(dir, 'node_modules', '.bin', 'node'))) return false;
  const hash = lockHash(dir);
  if (existsSync(markFile(dir)) && readFileSync(markFile(dir), 'utf8').trim() === hash) return true;
  if (!installedAsLocked(dir)) return false;
  writeFileSync(markFile(dir), `${hash}\n`);
  return true;
}

/**
 * npm's own environment for a script puts `node_modules/.bin` first on the PATH. An install that replaces this folder
 * must not run on the node inside it.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function outsideOfPackages(env) {
  /** @type {NodeJS.ProcessEnv} */
  const kept = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^npm_(config|package|lifecycle|node)_?/i.test(name)),
  );
  kept.PATH = (env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !entry.includes('node_modules'))
    .join(delimiter);
  delete kept.NODE;
  return kept;
}

/**
 * Installs the packages of the lock file where they are missing or others.
 * @param {string} dir the checkout
 * @param {import('./terminal.mjs').Terminal} terminal
 * @param {string} logFile
 */
export async function installPackages(dir, terminal, logFile) {
  const step = terminal.step('packages');
  if (packagesMatch(dir)) {
    step.done('as package-lock.json says');
    return;
  }
  step.detail('npm ci, from package-lock.json');
  await withLock(join(dir, '.mindpeeker', 'packages.lock'), 'npm ci', () => install(dir, step, logFile));
  step.done('installed with npm ci');
}

/**
 * @param {string} dir
 * @param {import('./terminal.mjs').Step} step
 * @param {string} logFile
 */
async function install(dir, step, logFile) {
  // Another command in this checkout may have done it while we waited.
  if (packagesMatch(dir)) return;
  const { code, output } = await runChild('npm', ['ci', '--include=dev', '--no-fund', '--no-audit'], {
    cwd: dir,
    env: outsideOfPackages(process.env),
    logFile,
  });
  if (code !== 0) {
    step.failed('npm ci did not finish');
    if (code === 127)
      throw new Problem('npm was not found, and the packages are installed with it', 'apt-get install npm');
    const said = output
      .split('\n')
      .filter((line) => /^npm error +\S/.test(line))
      .slice(0, 4)
      .map((line) => `\n      ${line}`);
    throw new Problem(
      `npm ci ended with code ${code}:\n${said.join('')}\n\n    All of it is in ${shown(logFile)}. By hand it is`,
      'npm ci',
    );
  }
  writeFileSync(markFile(dir), `${lockHash(dir)}\n`);
}
