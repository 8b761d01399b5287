import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A process that can be recognised later. The system gives a pid to another process once the first is gone, so the pid
 * alone proves nothing; the pid with the moment of its birth does.
 * @typedef {{pid: number, birth: string}} Identity
 */

const bootId = () => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
};

/**
 * The moment a process was born, in whatever unit the system keeps it, or null when there is no such process (a zombie
 * counts as gone: it holds a pid and does nothing).
 * @param {number} pid
 * @returns {string | null}
 */
function birthOf(pid) {
  if (existsSync('/proc/self/stat')) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return null;
      return `${bootId()}/${fields[19] ?? ''}`;
    } catch {
      return null;
    }
  }
  try {
    const out = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return out === '' || out.startsWith('Z') ? null : out.replace(/^\S+\s+/, '');
  } catch {
    return null;
  }
}

/**
 * @param {number} pid
 * @returns {Identity | null} null when there is no such process
 */
export function identify(pid) {
  const birth = birthOf(pid);
  return birth === null ? null : { pid, birth };
}

/**
 * Whether the very process that was identified is still there.
 * @param {Identity} identity
 */
export const isAlive = (identity) => birthOf(identity.pid) === identity.birth;

/**
 * Whether a value read from a file names a process that is still there.
 * @param {unknown} value
 * @returns {value is Identity}
 */
export function isLiveIdentity(value) {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('birth' in value)) return false;
  const { pid, birth } = value;
  return typeof pid === 'number' && typeof birth === 'string' && isAlive({ pid, birth });
}

/**
 * Signals a process after proving that the pid is still its own.
 * @param {Identity} identity
 * @param {NodeJS.Signals} signal
 * @param {{wholeGroup?: boolean}} [options] `wholeGroup` reaches its children too, where it leads its own group
 * @returns {boolean} false when it was gone already
 */
export function signalProcess(identity, signal, { wholeGroup = false } = {}) {
  if (!isAlive(identity)) return false;
  // The group goes by its leader's pid; where the process leads none, the process itself is what is left to reach.
  for (const target of wholeGroup ? [-identity.pid, identity.pid] : [identity.pid]) {
    try {
      process.kill(target, signal);
      return true;
    } catch {
      // Gone in the meantime, or no leader.
    }
  }
  return false;
}

/**
 * Waits until a process is gone.
 * @param {Identity} identity
 * @param {number} timeoutMs
 * @returns {Promise<boolean>} whether it went in time
 */
export async function untilGone(identity, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}

/**
 * Asks a process to stop, and ends it with its group when it has not gone within the grace.
 * @param {Identity} identity
 * @param {{signal?: NodeJS.Signals, graceMs?: number}} [options]
 * @returns {Promise<boolean>} false when it had to be killed
 */
export async function stopProcess(identity, { signal = 'SIGTERM', graceMs = 15_000 } = {}) {
  if (!signalProcess(identity, signal)) return true;
  if (await untilGone(identity, graceMs)) return true;
  signalProcess(identity, 'SIGKILL', { wholeGroup: true });
  await untilGone(identity, 5_000);
  return false;
}

/**
 * The name of a running process, for messages.
 * @param {number} pid
 */
export function nameOf(pid) {
  try {
    const [program = '', script = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const name = program.split(' ')[0]?.split('/').pop() ?? '';
    return /^(node|python[\d.]*|ruby|java|bash|sh)$/.test(name) && script && !script.startsWith('-')
      ? `${name} ${script.split('/').slice(-2).join('/')}`
      : name;
  } catch {
    return '';
  }
}
