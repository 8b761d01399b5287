import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.mjs';
import { shown } from './paths.mjs';
import { Problem } from './problem.mjs';
import { identify, isAlive, stopProcess } from './processes.mjs';
import { seconds } from './terminal.mjs';

/** @typedef {import('./processes.mjs').Identity} Identity */

/**
 * How a process ended; of one that was not started by us the system tells nothing.
 * @typedef {{code: number | null, signal: NodeJS.Signals | null}} Exit
 */

/** @param {Exit} exit */
const described = ({ code, signal }) =>
  signal ? `signal ${signal}` : code === null ? 'nobody knows why' : `exit code ${code}`;

const readyPollMs = 50;
const adoptedPollMs = 250;
const largestLogBytes = 10 * 1024 * 1024;

/**
 * The last lines of a log, for a message about a process that does not start.
 * @param {string} logFile
 * @param {number} from where this attempt's lines begin, in bytes
 */
function lastLines(logFile, from) {
  if (!existsSync(logFile)) return [];
  const text = readFileSync(logFile).subarray(from).toString('utf8').trim();
  return text
    .split('\n')
    .slice(-6)
    .map((line) => (line.length > 300 ? `${line.slice(0, 299)}…` : line));
}

/**
 * One process that is meant to run: started in its own group (so that Ctrl-C in the terminal reaches only us), its output
 * in a log file, and, once watched, started again whenever it dies.
 */
export class KeptProcess {
  /** @type {Identity | null} */
  identity = null;
  #options;
  #backoff = new Backoff();
  #stop = new AbortController();
  #ended;
  /** @type {Promise<Exit>} */
  #exited = Promise.resolve({ code: null, signal: null });
  #since = 0;
  #logStart = 0;

  /**
   * @param {object} options
   * @param {string} options.name
   * @param {import('./parts/part.mjs').Launch} options.launch
   * @param {string} options.logFile
   * @param {() => Promise<boolean>} options.isReady
   * @param {NodeJS.Signals} [options.stopSignal] SIGTERM unless given
   * @param {number} [options.graceMs] between the stop signal and SIGKILL; 15 seconds unless given
   * @param {(identity: Identity | null) => void} options.onChange called after every start with the new process, and with null after a stop
   * @param {(text: string) => void} options.say what people should know about deaths and restarts
   * @param {AbortSignal} [options.signal] when it fires, nothing is started any more
   */
  constructor(options) {
    this.#options = options;
    this.#ended = options.signal ? AbortSignal.any([this.#stop.signal, options.signal]) : this.#stop.signal;
  }

  /**
   * Takes over a process that an earlier run of ours started.
   * @param {Identity} identity
   */
  adopt(identity) {
    this.identity = identity;
    this.#since = Date.now();
    this.#exited = (async () => {
      while (isAlive(identity)) await sleep(adoptedPollMs, undefined, { ref: false });
      return { code: null, signal: null };
    })();
  }

  /**
   * Starts it and waits until it is ready. It may die twice on the way: a database, say, whose predecessor is still letting go.
   * @param {{timeoutMs?: number, attempts?: number}} [options]
   * @throws {Problem} with the last lines of its log
   */
  async start({ timeoutMs = 90_000, attempts = 3 } = {}) {
    const { name, logFile } = this.#options;
    const deadline = Date.now() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      this.#spawn();
      const exit = await this.#readyOrExit(deadline);
      if (exit === 'ready') return;
      const lines = lastLines(logFile, this.#logStart).map((line) => `\n      ${line}`);
      const said =
        lines.length === 0 ? '' : `. Its last lines:\n${lines.join('')}\n\n    All of them are in ${shown(logFile)}`;
      if (exit === 'late') {
        await this.stop();
        throw new Problem(`${name} was not ready after ${seconds(timeoutMs)}${said}`);
      }
      if (attempt === attempts || this.#ended.aborted) {
        this.#options.onChange(null);
        throw new Problem(`${name} stopped before it was ready (${described(exit)})${said}`);
      }
      await this.#pause(this.#backoff.next(0));
      if (this.#ended.aborted) throw new Problem(`${name} was not started: asked to stop`);
    }
  }

  /**
   * Whether the process is or becomes ready in time.
   * @param {number} timeoutMs
   */
  async becomesReady(timeoutMs) {
    return (await this.#readyOrExit(Date.now() + timeoutMs)) === 'ready';
  }

  /** From now on a death is followed by a new start. Returns at once. */
  watch() {
    void this.#keepRunning();
  }

  /** Ends it for good. */
  async stop() {
    this.#stop.abort();
    const { stopSignal = 'SIGTERM', graceMs = 15_000, onChange } = this.#options;
    if (this.identity) await stopProcess(this.identity, { signal: stopSignal, graceMs });
    this.identity = null;
    onChange(null);
  }

  #spawn() {
    const { launch, logFile, onChange } = this.#options;
    mkdirSync(dirname(logFile), { recursive: true });
    if (existsSync(logFile) && statSync(logFile).size > largestLogBytes) renameSync(logFile, `${logFile}.1`);
    const log = openSync(logFile, 'a');
    this.#logStart = statSync(logFile).size;
    const child = spawn(launch.command, launch.args, {
      env: { ...process.env, ...launch.env },
      ...(launch.cwd === undefined ? {} : { cwd: launch.cwd }),
      ...(launch.uid === undefined ? {} : { uid: launch.uid }),
      ...(launch.gid === undefined ? {} : { gid: launch.gid }),
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.unref();
    this.#since = Date.now();
    this.#exited = new Promise((resolve) => {
      child.once('error', () => resolve({ code: 127, signal: null }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.identity = child.pid === undefined ? null : identify(child.pid);
    if (this.identity) onChange(this.identity);
  }

  /**
   * @param {number} deadline
   * @returns {Promise<'ready' | 'late' | Exit>}
   */
  async #readyOrExit(deadline) {
    /** @type {{exit: Exit | null}} */
    const state = { exit: null };
    void this.#exited.then((exit) => {
      state.exit = exit;
    });
    for (;;) {
      const ready = await this.#options.isReady();
      // Asked in this order, since the answer may have come from somebody else on the same port.
      await sleep(0);
      if (state.exit) return state.exit;
      if (ready) return 'ready';
      if (Date.now() > deadline || this.#ended.aborted) return 'late';
      await sleep(readyPollMs);
    }
  }

  /** @param {number} delayMs */
  async #pause(delayMs) {
    try {
      await sleep(delayMs, undefined, { signal: this.#ended });
    } catch {
      // Asked to stop while waiting.
    }
  }

  async #keepRunning() {
    const { name, logFile, say } = this.#options;
    const signal = this.#ended;
    for (;;) {
      const exit = await this.#exited;
      if (signal.aborted) return;
      const delayMs = this.#backoff.next(Date.now() - this.#since);
      say(`${name} stopped (${described(exit)}), starting it again in ${seconds(delayMs)} · ${shown(logFile)}`);
      await this.#pause(delayMs);
      if (signal.aborted) return;
      this.#spawn();
      const startedAt = Date.now();
      if ((await this.#readyOrExit(Infinity)) === 'ready' && !signal.aborted) {
        say(`${name} is running again (pid ${this.identity?.pid ?? '?'}, ${seconds(Date.now() - startedAt)})`);
      }
    }
  }
}
