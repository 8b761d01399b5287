import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChild } from './children.mjs';
import { checkoutDir, pinnedNode, shown } from './paths.mjs';
import { Platform } from './platform.mjs';
import { Problem } from './problem.mjs';
import { createTerminal } from './terminal.mjs';

const usage = `npm start [-- --once] [-- --no-demo]

  Installs what is missing, brings up the stack, the API and both workers, runs one
  session of each type while you watch, and stays up until Ctrl-C.

  --once      stop everything after the demonstration, with its exit code
  --no-demo   no demonstration`;

const terminal = createTerminal();
const platform = new Platform('npm start', terminal);

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} its exit code
 */
async function runDemo(env) {
  terminal.heading('One session of each type');
  terminal.line();
  const args = ['cli/demo.ts', platform.apiUrl];
  const { code } = await runChild(pinnedNode, args, { cwd: checkoutDir, env, inherit: true });
  if (code !== 0 && !platform.signal.aborted) terminal.note(`the demonstration ended with code ${code}`);
  return code;
}

/** @param {NodeJS.ProcessEnv} env */
function showAddresses(env) {
  const urlOf = (/** @type {string} */ name) => platform.apps.find((app) => app.name === name)?.url ?? '';
  const pages = `http://localhost:${new URL(urlOf('api')).port}`;
  terminal.heading('MindPeeker is up');
  terminal.line();
  terminal.pairs([
    ['API', pages],
    ['API docs', `${pages}/v1/docs`],
    ...(env.TEMPORAL_UI_URL ? [/** @type {[string, string]} */ (['Temporal Web UI', env.TEMPORAL_UI_URL])] : []),
    ...(env.SENDGRID_API_BASE ? [/** @type {[string, string]} */ (['Mail', env.SENDGRID_API_BASE])] : []),
    ['Metrics', `${urlOf('api')}/metrics`],
    ['  CPU worker', `${urlOf('workerCpu')}/metrics`],
    ['  GPU worker', `${urlOf('workerGpu')}/metrics`],
    ['Logs', `${shown(platform.logs)}/`],
  ]);
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {{once: boolean, demo: boolean}} options
 * @returns {Promise<number>}
 */
async function serve(env, { once, demo }) {
  const { signal } = platform;
  const code = demo ? await runDemo(env) : 0;
  signal.throwIfAborted();
  if (once) return code;
  showAddresses(env);
  terminal.line(`\n  Ctrl-C stops everything that this start brought up; the data stay.\n`);
  await new Promise((resolve) => {
    const alive = setInterval(() => {}, 60_000);
    signal.addEventListener('abort', () => resolve(clearInterval(alive)), { once: true });
  });
  return 0;
}

async function main() {
  /** @type {{once?: boolean, 'no-demo'?: boolean, help?: boolean}} */
  let options;
  try {
    options = parseArgs({
      options: { once: { type: 'boolean' }, 'no-demo': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    throw new Problem(
      error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : String(error),
      'npm start -- --help',
    );
  }
  if (options.help) {
    terminal.line(usage);
    return 0;
  }
  terminal.line(`${terminal.bold('MindPeeker')}  ${terminal.dim(pinnedVersion())}`);
  terminal.line();
  const { once = false, 'no-demo': noDemo = false } = options;
  return platform.run((env) => serve(env, { once, demo: !noDemo }));
}

function pinnedVersion() {
  try {
    const { version } = JSON.parse(readFileSync(join(checkoutDir, 'node_modules', 'node', 'package.json'), 'utf8'));
    return `Node ${version}, ${process.platform} ${process.arch}`;
  } catch {
    return `Node ${process.versions.node}, first start`;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof Problem) terminal.problem(error.message, error.help);
  else console.error(error);
  process.exitCode = 1;
}
process.exit();
