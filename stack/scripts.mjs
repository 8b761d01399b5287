import { join } from 'node:path';
import { runChild } from './children.mjs';
import { checkoutDir, pinnedNode, shown } from './paths.mjs';
import { Problem } from './problem.mjs';

/**
 * @typedef {object} Stage what every script runs with
 * @property {string} logs the folder that keeps its output
 * @property {import('./terminal.mjs').Terminal} terminal
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} signal
 */

/**
 * Runs one of our scripts to its end and shows its last line.
 * @param {Stage} stage
 * @param {string} title
 * @param {string} script
 * @param {{mayFail?: boolean}} [options]
 */
export async function runScript({ logs, terminal, env, signal }, title, script, { mayFail = false } = {}) {
  signal.throwIfAborted();
  const name = script.replace(/\.\w+$/, '').replaceAll('/', '-');
  const logFile = join(logs, `${name}.log`);
  const step = terminal.step(title, `node ${script}`);
  const lines = /** @type {string[]} */ ([]);
  const { code } = await runChild(pinnedNode, [script], {
    cwd: checkoutDir,
    env,
    logFile,
    onLine: (line) => {
      lines.push(line.trim());
      step.detail(line.trim());
    },
  });
  const last = lines.at(-1) ?? '';
  if (code === 0) {
    step.done(last || 'done');
  } else if (mayFail) {
    step.skipped(last || `ended with code ${code}, see ${shown(logFile)}`);
  } else {
    step.failed(`ended with code ${code}`);
    signal.throwIfAborted();
    // What went wrong stands above the stack trace, and nobody reads the trace here.
    const said = lines
      .filter((line) => !/^at |^Node\.js v|^[{}]$/.test(line))
      .slice(-6)
      .map((line) => `\n      ${line}`);
    throw new Problem(
      `${script} did not finish. Its last lines:\n${said.join('')}\n\n    All of them are in ${shown(logFile)}`,
    );
  }
}

/**
 * Fetches and builds what the models compute with, unless it is there. Where it cannot be had the models do less, and
 * say so in each result.
 * @param {Stage} stage
 */
export async function makeModelParts(stage) {
  await runScript(stage, 'TensorFlow', 'ml/native/build.mjs', { mayFail: true });
  await runScript(stage, 'sentence encoder', 'ml/sentences/fetch.mjs', { mayFail: true });
}
