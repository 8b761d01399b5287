import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { nameOf } from './processes.mjs';

const host = '127.0.0.1';

/** Where the gateway listens, unless PORT says otherwise or somebody else is there. */
export const apiPort = 3000;

/**
 * Ports promised to a process of ours that has not opened them yet: two parts that start together must not choose the same.
 * @type {Set<number>}
 */
const promised = new Set();

/**
 * @param {number} port 0 for any
 * @param {string} address
 * @returns {Promise<number | null>} the port that could be opened, or null
 */
const tryListen = (port, address) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: address, exclusive: true }, () => {
      const bound = server.address();
      const opened = typeof bound === 'object' && bound ? bound.port : null;
      server.close(() => resolve(opened));
    });
  });

/**
 * Whether nothing listens on a port of this machine, where browsers look for `localhost` by IPv6 first.
 * @param {number} port
 */
export async function isFree(port) {
  if ((await tryListen(port, host)) === null) return false;
  const taken = await Promise.all([host, '::1'].map((address) => answers(address, port, 250)));
  return !taken.includes(true);
}

/**
 * Whether something accepts a connection.
 * @param {string} address
 * @param {number} port
 * @param {number} [timeoutMs]
 * @returns {Promise<boolean>}
 */
export const answers = (address, port, timeoutMs = 2_000) =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (/** @type {boolean} */ answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

/**
 * Who listens on a port, as `name (pid 123)`, or null where the system does not tell.
 * @param {number} port
 * @returns {string | null}
 */
function listenerOf(port) {
  try {
    const wanted = port.toString(16).toUpperCase().padStart(4, '0');
    const inodes = new Set();
    for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
      for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
        const columns = line.trim().split(/\s+/);
        if (columns[3] === '0A' && columns[1]?.endsWith(`:${wanted}`)) inodes.add(`socket:[${columns[9]}]`);
      }
    }
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        for (const fd of readdirSync(`/proc/${pid}/fd`)) {
          if (inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`))) return `${nameOf(Number(pid))} (pid ${pid})`;
        }
      } catch {
        // Processes of other users keep their descriptors to themselves.
      }
    }
  } catch {
    // No /proc on this system.
  }
  return null;
}

/**
 * The preferred port where it is free, else a free one.
 * @param {number | null} preferred null for any free port
 * @returns {Promise<{port: number, instead: string | null}>} `instead` is a sentence for the terminal when the preferred port was taken
 */
export async function choosePort(preferred) {
  if (preferred !== null && !promised.has(preferred) && (await isFree(preferred))) {
    promised.add(preferred);
    return { port: preferred, instead: null };
  }
  for (;;) {
    const port = await tryListen(0, host);
    if (port === null || promised.has(port)) continue;
    promised.add(port);
    if (preferred === null) return { port, instead: null };
    const by = listenerOf(preferred);
    return { port, instead: `port ${preferred} is in use${by ? ` by ${by}` : ''}, using ${port} instead` };
  }
}
