import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Children that run to their end while we wait, so that a stop reaches them too.
 * @type {Set<import('node:child_process').ChildProcess>}
 */
const running = new Set();

/** Ends every child that somebody waits for. */
export function endChildren() {
  for (const child of running) child.kill('SIGTERM');
}

/**
 * @typedef {object} Outcome
 * @property {number} code 127 when the program could not be started, 128 + n after a signal
 * @property {string} output both streams, as they came
 */

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {number} [options.uid]
 * @param {number} [options.gid]
 * @param {string} [options.input]
 * @param {number} [options.timeoutMs]
 * @param {boolean} [options.inherit] lets it write to our terminal; `output` stays empty then
 * @param {string} [options.logFile] where its output is kept as well
 * @param {(line: string) => void} [options.onLine]
 * @returns {Promise<Outcome>}
 */
export function runChild(command, args, options = {}) {
  const { cwd, env = process.env, uid, gid, input, timeoutMs, inherit = false, logFile, onLine } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      stdio: inherit ? 'inherit' : [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    running.add(child);
    const timer = timeoutMs === undefined ? null : setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let output = '';
    if (logFile) mkdirSync(dirname(logFile), { recursive: true });
    const log = logFile ? createWriteStream(logFile, { flags: 'a' }) : null;
    let rest = '';
    const take = (/** @type {Buffer} */ chunk) => {
      const text = chunk.toString('utf8');
      output += text;
      log?.write(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') onLine?.(line);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.stdin?.on('error', () => {
      // A program may end without reading all that it was given.
    });
    if (input !== undefined) child.stdin?.end(input);
    let over = false;
    const end = (/** @type {number} */ code) => {
      if (over) return;
      over = true;
      running.delete(child);
      if (timer) clearTimeout(timer);
      log?.end();
      resolve({ code, output });
    };
    child.once('error', (error) => {
      output += error.message;
      end(127);
    });
    child.once('close', (code, signal) => {
      const number = signal && signal in signalNumbers ? signalNumbers[/** @type {keyof signalNumbers} */ (signal)] : 1;
      end(code ?? 128 + number);
    });
  });
}
