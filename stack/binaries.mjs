import { accessSync, chmodSync, constants, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { aptInstall, canApt } from './apt.mjs';
import { runChild } from './children.mjs';
import { cacheDir, shown } from './paths.mjs';
import { Problem } from './problem.mjs';
import { versions } from './versions.mjs';

/**
 * A program on the PATH, or null. Folders of `node_modules` do not count: no package of ours brings a server.
 * @param {string} name
 * @returns {string | null}
 */
export function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '' || folder.includes('node_modules')) continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/**
 * Where a program of this version lies once it is installed.
 * @param {keyof typeof versions} tool
 */
export const cachedPath = (tool) => join(cacheDir(), `${tool}-${versions[tool].version}`, tool);

/** One build at a time: two would only slow each other down, and their times would mean nothing. */
let last = Promise.resolve();

/**
 * A program from the cache folder, built with `go install` when it is not there yet. The build goes to a folder beside
 * and is renamed, so that a build that was killed leaves nothing half.
 * @param {keyof typeof versions} tool
 * @param {import('./terminal.mjs').Step} step
 * @param {string} logFile
 * @returns {Promise<string>} its path
 */
export async function fromCacheOrGo(tool, step, logFile) {
  const { version, goPackage, minutes } = versions[tool];
  const path = cachedPath(tool);
  const folder = dirname(path);
  if (existsSync(path)) return path;

  const work = last.then(async () => {
    if (existsSync(path)) return;
    if (!onPath('go')) {
      if (!canApt()) {
        throw new Problem(
          `${tool} is missing, and so is Go, which would build it`,
          'install Go 1.24 or later, then run this again',
        );
      }
      await aptInstall('golang-go', step, logFile);
    }
    step.detail(`go install ${goPackage}@v${version}, ${minutes}, once`);
    const beside = join(cacheDir(), `.${tool}-${version}.${process.pid}`);
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { recursive: true });
    try {
      const { code } = await runChild('go', ['install', `${goPackage}@v${version}`], {
        cwd: beside,
        env: { ...process.env, GOBIN: beside },
        logFile,
      });
      if (code !== 0) {
        throw new Problem(
          `${tool} ${version} could not be built; what Go said is in ${shown(logFile)}. By hand it would be`,
          `GOBIN=${folder} go install ${goPackage}@v${version}`,
        );
      }
      chmodSync(join(beside, tool), 0o755);
      try {
        renameSync(beside, folder);
      } catch (error) {
        // Another checkout finished the same build first.
        if (!existsSync(path)) throw error;
      }
    } finally {
      rmSync(beside, { recursive: true, force: true });
    }
  });
  last = work.catch(() => {});
  await work;
  return path;
}

/**
 * A program from the PATH, else from the cache folder, with its version.
 * @param {keyof typeof versions} tool
 * @param {import('./parts/part.mjs').Setup} setup
 * @param {string[]} versionArgs
 * @returns {Promise<import('./parts/part.mjs').Binary>}
 */
export async function pathOrCache(tool, { step, logFile }, versionArgs) {
  const path = onPath(tool);
  if (path) return { path, version: await versionOf(path, versionArgs) };
  return { path: await fromCacheOrGo(tool, step, logFile), version: versions[tool].version };
}

/**
 * @param {string} path
 * @param {string[]} args
 * @returns {Promise<string>} the first number of the form 1.2 or 1.2.3 that the program prints, or ''
 */
export async function versionOf(path, args) {
  const { output } = await runChild(path, args, { timeoutMs: 10_000 });
  return /\d+\.\d+(\.\d+)?/.exec(output)?.[0] ?? '';
}
