import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJson } from './files.mjs';
import { identify, isLiveIdentity } from './processes.mjs';

/** @typedef {{pid: number, birth: string, what: string, since: string}} Holder */

/**
 * Who holds a lock file, or null when nobody does or the holder is dead.
 * @param {string} path
 * @returns {Holder | null}
 */
export function holderOf(path) {
  const held = readJson(path);
  return isLiveIdentity(held) ? /** @type {Holder} */ (held) : null;
}

/**
 * Takes a lock file for this process. The lock of a process that is gone counts as free.
 * @param {string} path
 * @param {string} what for the message of whoever finds it taken
 * @returns {{release: () => void} | {holder: Holder}}
 */
export function tryLock(path, what) {
  mkdirSync(dirname(path), { recursive: true });
  const self = identify(process.pid);
  if (!self) throw new Error('this process cannot be identified');
  const text = JSON.stringify({ ...self, what, since: new Date().toISOString() });
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, text, { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(mine, path);
        return {
          release: () => {
            if (readText(path) === text) rmSync(path, { force: true });
          },
        };
      } catch {
        const holder = holderOf(path);
        if (holder) return { holder };
        // Taken aside first, so that of two processes that both see a dead holder only one removes it.
        const aside = `${path}.${process.pid}.stale`;
        try {
          renameSync(path, aside);
          if (holderOf(aside)) linkSync(aside, path);
        } catch {
          // The other one was faster.
        }
        rmSync(aside, { force: true });
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Runs `work` under a lock, waiting for whoever holds it.
 * @template T
 * @param {string} path
 * @param {string} what
 * @param {() => Promise<T>} work
 * @param {(holder: Holder) => void} [onWait] called once when it has to wait
 * @returns {Promise<T>}
 */
export async function withLock(path, what, work, onWait) {
  let said = false;
  for (;;) {
    const lock = tryLock(path, what);
    if ('release' in lock) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (!said) onWait?.(lock.holder);
    said = true;
    await sleep(100);
  }
}

/** @param {string} path */
const readText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};
