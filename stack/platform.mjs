import { join } from 'node:path';
import { startApps } from './app.mjs';
import { bringUp } from './bring-up.mjs';
import { endChildren } from './children.mjs';
import { addressesOf, appEnvironment } from './environment.mjs';
import { tryLock, withLock } from './locks.mjs';
import { installPackages } from './packages.mjs';
import { checkoutDir, stackLock, startHome, startLock } from './paths.mjs';
import { Problem } from './problem.mjs';
import { signalProcess, stopProcess } from './processes.mjs';
import { StackRecord } from './record.mjs';
import { makeModelParts, runScript } from './scripts.mjs';
import { loadSecrets } from './secrets.mjs';
import { oldestNodeMajor } from './versions.mjs';

/** npm hands the terminal's Ctrl-C on, so one press arrives twice. */
const secondPressAfterMs = 1_000;

/** The whole platform of a checkout: what it is installed from, the stack, the gateway and both workers. */
export class Platform {
  /** @type {import('./app.mjs').App[]} */
  apps = [];
  logs = join(startHome, 'logs');
  #asked = new AbortController();
  /** @type {import('./bring-up.mjs').Stack | null} */
  #stack = null;
  /** @type {StackRecord | null} */
  #record = null;
  #terminal;
  #what;

  /**
   * @param {string} what which command this is, for whoever waits for it
   * @param {import('./terminal.mjs').Terminal} terminal
   */
  constructor(what, terminal) {
    this.#what = what;
    this.#terminal = terminal;
  }

  /** Fires at the first Ctrl-C; whatever is under way ends and nothing new begins. */
  get signal() {
    return this.#asked.signal;
  }

  get apiUrl() {
    return this.#record?.addresses.apiUrl ?? '';
  }

  /**
   * Brings everything up, does the work, and takes down again what it brought up.
   * @param {(env: NodeJS.ProcessEnv) => Promise<number>} work
   * @returns {Promise<number>} the exit code
   */
  async run(work) {
    checkNode();
    const lock = tryLock(startLock, this.#what);
    if ('holder' in lock) throw alreadyRunning(lock.holder);
    this.#listenForStop();
    try {
      return await work(await this.#up());
    } catch (error) {
      if (this.signal.aborted) return 0;
      throw error;
    } finally {
      await this.#down();
      lock.release();
    }
  }

  #listenForStop() {
    let askedAt = 0;
    const onSignal = () => {
      if (askedAt === 0) {
        askedAt = Date.now();
        this.#asked.abort();
        endChildren();
        return;
      }
      if (Date.now() - askedAt < secondPressAfterMs) return;
      for (const live of Object.values(this.#record?.processes ?? {})) {
        if (live.owner === 'start') signalProcess(live, 'SIGKILL', { wholeGroup: true });
      }
      process.exit(130);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
    // The reader of our output may go before us (`npm start | head`); stopping properly matters more than saying so.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  }

  /** @returns {Promise<NodeJS.ProcessEnv>} what our processes work with */
  async #up() {
    const { signal, logs } = this;
    const terminal = this.#terminal;
    await installPackages(checkoutDir, terminal, join(logs, 'npm-ci.log'));
    signal.throwIfAborted();
    const record = new StackRecord(startHome);
    this.#record = record;
    const stack = await withLock(
      stackLock,
      this.#what,
      async () => {
        await stopLeftovers(record, terminal);
        return bringUp({ homeDir: startHome, record, owner: 'start', preferDefaultPorts: true, terminal, signal });
      },
      (holder) => terminal.note(`waiting for "${holder.what}" (pid ${holder.pid}) to finish`),
    );
    this.#stack = stack;
    stack.watch();
    signal.throwIfAborted();
    const env = appEnvironment({ nodeEnv: 'development', stack, secrets: loadSecrets(startHome), caller: process.env });
    record.setAddresses(addressesOf(env));

    const stage = { logs, terminal, env, signal };
    await makeModelParts(stage);
    await runScript(stage, 'workflows', 'workers/build.ts');
    await runScript(stage, 'provisioning', 'cli/provision.ts');
    signal.throwIfAborted();
    const onStarted = (/** @type {import('./app.mjs').App} */ app) => this.apps.push(app);
    await startApps({ homeDir: startHome, record, env, terminal, signal, onStarted });
    signal.throwIfAborted();
    return env;
  }

  async #down() {
    if (this.apps.length === 0 && !this.#stack) return;
    const terminal = this.#terminal;
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
      this.apps.filter((app) => app.name === 'api'),
    );
    await stopApps(
      'workers',
      this.apps.filter((app) => app.name !== 'api'),
    );
    this.#record?.setAddresses({ apiUrl: null });
    if (this.#stack) {
      const step = terminal.step('stack', 'PostgreSQL, Redis, Temporal and the rest');
      const left = this.#stack.parts.filter((up) => !up.ours);
      await this.#stack.stop();
      step.done(
        left.length === 0
          ? 'stopped, data kept'
          : `stopped; left running: ${left.map((up) => up.part.title).join(', ')}`,
      );
    }
  }
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

/** @param {import('./locks.mjs').Holder} holder */
function alreadyRunning({ what, pid, since }) {
  const { apiUrl } = new StackRecord(startHome).addresses;
  return new Problem(
    `${what} is already running in this checkout (pid ${pid}, since ${new Date(since).toTimeString().slice(0, 8)})${apiUrl ? `, its API is ${apiUrl}` : ''}; stop it with Ctrl-C there, or with`,
    `kill ${pid}`,
  );
}

/**
 * @param {StackRecord} from
 * @param {import('./terminal.mjs').Terminal} terminal
 */
async function stopLeftovers(from, terminal) {
  for (const name of /** @type {const} */ (['api', 'workerCpu', 'workerGpu'])) {
    const live = from.live(name);
    if (live) {
      terminal.note(`${name} (pid ${live.pid}) was left by a start that was killed; stopping it`);
      await stopProcess(live);
    }
    from.setProcess(name, null);
  }
}
