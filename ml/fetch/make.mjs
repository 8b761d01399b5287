// How parts that do not come with the project's own installation are made: plain Node without dependency, since it may
// run before anything is installed.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

/** Thrown when a part cannot be had on this machine; the message says why, to stand after "since". */
export class CannotMake extends Error {}

/**
 * Runs a program to its end and answers what it printed.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd: string, otherwise: string }} options `otherwise` says what it means when the program fails.
 * @returns {string}
 */
export function run(program, args, { cwd, otherwise }) {
  const done = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 15 * 60_000, maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return done.stdout;
  const reason = (done.stderr ?? '')
    .split('\n')
    .find((line) => /\berror\b/i.test(line))
    ?.trim();
  throw new CannotMake(`${otherwise}${reason ? ` (${reason})` : ''}`);
}

/**
 * Makes a part unless it is there. Everything is made under another name and put in place at the end, so that a broken
 * attempt is never found. Where it cannot be done, one sentence says why and the program still ends well.
 *
 * @param {object} part
 * @param {string} part.command the npm script that makes it
 * @param {string} part.title what it is, as a sentence begins with it
 * @param {string} part.target its folder
 * @param {string} part.otherwise what holds without it
 * @param {(folder: string, say: (line: string) => void) => void} part.make fills a folder
 */
export function makeOnce({ command, title, target, otherwise, make }) {
  const say = (/** @type {string} */ line) => console.log(`${command}: ${line}`);
  if (existsSync(target)) {
    say(`${title} is there`);
    return;
  }
  mkdirSync(path.dirname(target), { recursive: true });
  const folder = mkdtempSync(`${target}.making-`);
  try {
    make(folder, say);
    if (!existsSync(target)) renameSync(folder, target);
    say(`made: ${target}`);
  } catch (error) {
    if (!(error instanceof CannotMake)) throw error;
    say(`skipped, since ${error.message}; ${otherwise}.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
