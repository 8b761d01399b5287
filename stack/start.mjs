import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startApps } from './app.mjs';
import { bringUp } from './bring-up.mjs';
import { endChildren, runChild } from './children.mjs';
import { addressesOf, appEnvironment } from './environment.mjs';
import { tryLock, withLock } from './locks.mjs';
import { installPackages } from './packages.mjs';
import { checkoutDir, pinnedNode, shown, startHome } from './paths.mjs';
import { Problem } from './problem.mjs';
import { signalProcess, stopProcess } from './processes.mjs';
import { StackRecord } from './record.mjs';
import { makeModelParts, runScript } from './scripts.mjs';
import { loadSecrets } from './secrets.mjs';
import { createTerminal } from './terminal.mjs';
import { oldestNodeMajor } from './versions.mjs';

const usage = `npm start [-- --once] [-- --no-demo]

  Installs what is missing, brings up the stack, the API and both workers, runs one
  session of each type while you watch, and stays up until Ctrl-C.

  --once      stop everything after the demonstration, with its exit code
  --no-demo   no demonstration`;

const terminal = createTerminal();
const logs = join(startHome, 'logs');

/** Fires at the first Ctrl-C; whatever is under way ends and nothing new begins. */
const asked = new AbortController();

/** npm hands the terminal's Ctrl-C on, so one press arrives twice. */
const secondPressAfterMs = 1_000;

/** @type {import('./app.mjs').App[]} */
const apps = [];
/** @type {import('./bring-up.mjs').Stack | null} */
let stack = null;
/** @type {StackRecord | null} */
let record = null;

function listenForStop() {
  let askedAt = 0;
  const onSignal = () => {
    if (askedAt === 0) {
      askedAt = Date.now();
      asked.abort();
      endChildren();
      return;
    }
    if (Date.now() - askedAt < secondPressAfterMs) return;
    for (const live of Object.values(record?.processes ?? {})) {
      if (live.owner === 'start') signalProcess(live, 'SIGKILL', { wholeGroup: true });
    }
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
  // The reader of our output may go before us (`npm start | head`); stopping properly matters more than saying so.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < oldestNodeMajor) {
    throw new Problem(
      `Node ${process.versions.node} is too old; MindPeeker starts on Node ${oldestNodeMajor} or later`,
      'nvm install 24',
    );
  }
}

/** @param {StackRecord} from */
async function stopLeftovers(from) {
  for (const name of /** @type {const} */ (['api', 'workerCpu', 'workerGpu'])) {
    const live = from.live(name);
    if (live) {
      terminal.note(`${name} (pid ${live.pid}) was left by a start that was killed; stopping it`);
      await stopProcess(live);
    }
    from.setProcess(name, null);
  }
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} apiUrl
 * @returns {Promise<number>} its exit code
 */
async function runDemo(env, apiUrl) {
  terminal.heading('One session of each type');
  terminal.line();
  const { code } = await runChild(pinnedNode, ['cli/demo.ts', apiUrl], { cwd: checkoutDir, env, inherit: true });
  if (code !== 0 && !asked.signal.aborted) terminal.note(`the demonstration ended with code ${code}`);
  return code;
}

/** @param {NodeJS.ProcessEnv} env */
function showAddresses(env) {
  const urlOf = (/** @type {string} */ name) => apps.find((app) => app.name === name)?.url ?? '';
  terminal.heading('MindPeeker is up');
  terminal.line();
  terminal.pairs([
    ['API', urlOf('api')],
    ['API docs', `${urlOf('api')}/v1/docs`],
    ...(env.TEMPORAL_UI_URL ? [/** @type {[string, string]} */ (['Temporal Web UI', env.TEMPORAL_UI_URL])] : []),
    ...(env.SENDGRID_API_BASE ? [/** @type {[string, string]} */ (['Mail', env.SENDGRID_API_BASE])] : []),
    ['Metrics', `${urlOf('api')}/metrics`],
    ['  CPU worker', `${urlOf('workerCpu')}/metrics`],
    ['  GPU worker', `${urlOf('workerGpu')}/metrics`],
    ['Logs', `${shown(logs)}/`],
  ]);
}

async function stopEverything() {
  if (apps.length === 0 && !stack) return;
  terminal.heading('Stopping');
  terminal.line();
  const stopApps = async (/** @type {string} */ title, /** @type {import('./app.mjs').App[]} */ which) => {
    if (which.length === 0) return;
    const step = terminal.step(title, 'finishing what is under way');
    await Promise.all(which.map((app) => app.kept.stop()));
    step.done('stopped');
  };
  await stopApps(
    'API',
    apps.filter((app) => app.name === 'api'),
  );
  await stopApps(
    'workers',
    apps.filter((app) => app.name !== 'api'),
  );
  record?.setAddresses({ apiUrl: null });
  if (stack) {
    const step = terminal.step('stack', 'PostgreSQL, Redis, Temporal and the rest');
    const left = stack.parts.filter((up) => !up.ours);
    await stack.stop();
    step.done(
      left.length === 0 ? 'stopped, data kept' : `stopped; left running: ${left.map((up) => up.part.title).join(', ')}`,
    );
  }
}

/**
 * @param {{once: boolean, demo: boolean}} options
 * @returns {Promise<number>}
 */
async function run({ once, demo }) {
  const { signal } = asked;
  await installPackages(checkoutDir, terminal, join(logs, 'npm-ci.log'));
  signal.throwIfAborted();
  stack = await withLock(
    join(startHome, 'stack.lock'),
    'npm start',
    async () => {
      record = new StackRecord(startHome);
      await stopLeftovers(record);
      return bringUp({ homeDir: startHome, record, owner: 'start', preferDefaultPorts: true, terminal, signal });
    },
    (holder) => terminal.note(`waiting for "${holder.what}" (pid ${holder.pid}) to finish`),
  );
  stack.watch();
  signal.throwIfAborted();
  if (!record) throw new Error('the stack has no record');
  const env = appEnvironment({ nodeEnv: 'development', stack, secrets: loadSecrets(startHome), caller: process.env });
  record.setAddresses(addressesOf(env));

  const stage = { logs, terminal, env, signal };
  await makeModelParts(stage);
  await runScript(stage, 'workflows', 'workers/build.ts');
  await runScript(stage, 'provisioning', 'cli/provision.ts');
  signal.throwIfAborted();
  await startApps({ homeDir: startHome, record, env, terminal, signal, onStarted: (app) => apps.push(app) });
  signal.throwIfAborted();

  let code = 0;
  if (demo) {
    const apiUrl = record.addresses.apiUrl ?? '';
    code = await runDemo(env, apiUrl);
    signal.throwIfAborted();
  }
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
  checkNode();
  const lock = tryLock(join(startHome, 'start.lock'), 'npm start');
  if ('holder' in lock) {
    const { pid, since } = lock.holder;
    const { apiUrl } = new StackRecord(startHome).addresses;
    throw new Problem(
      `npm start is already running in this checkout (pid ${pid}, since ${new Date(since).toTimeString().slice(0, 8)})${apiUrl ? `, its API is ${apiUrl}` : ''}; stop it with Ctrl-C there, or with`,
      `kill ${pid}`,
    );
  }
  listenForStop();
  terminal.line(`${terminal.bold('MindPeeker')}  ${terminal.dim(pinnedVersion())}`);
  terminal.line();
  try {
    return await run({ once: options.once ?? false, demo: !options['no-demo'] });
  } catch (error) {
    if (asked.signal.aborted) return 0;
    throw error;
  } finally {
    await stopEverything();
    lock.release();
  }
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
