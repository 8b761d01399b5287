import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { aptInstall, canApt } from '../apt.mjs';
import { onPath, versionOf } from '../binaries.mjs';
import { replaceFile } from '../files.mjs';
import { Problem } from '../problem.mjs';
import { portOf } from './part.mjs';

/** @param {string} homeDir */
const dataDir = (homeDir) => join(homeDir, 'redis');

/** @type {import('./part.mjs').Part} */
export const redis = {
  name: 'redis',
  title: 'Redis',
  replacedBy: ['REDIS_URL'],
  ports: { main: 6379 },
  dataDir,

  async findBinary({ step, logFile }) {
    let path = onPath('redis-server');
    if (!path && canApt()) {
      await aptInstall('redis-server', step, logFile);
      path = onPath('redis-server');
    }
    if (!path) throw new Problem('Redis is missing; install it, or set REDIS_URL', 'sudo apt-get install redis-server');
    return { path, version: await versionOf(path, ['--version']) };
  },

  async prepare(home, binary) {
    const folder = dataDir(home.dir);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const config = join(folder, 'redis.conf');
    // The password stands in a file of our own: a command line can be read by every user of the machine.
    replaceFile(
      config,
      [
        'bind 127.0.0.1',
        `port ${portOf(home, 'main')}`,
        `dir "${folder}"`,
        `requirepass ${home.secrets.redisPassword}`,
        'appendonly yes',
        'maxmemory 256mb',
        // Only what has a time to live may go: the live stream has none and must not be evicted.
        'maxmemory-policy volatile-lru',
        '',
      ].join('\n'),
    );
    return { command: binary.path, args: [config] };
  },

  isReady: (home) =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: portOf(home, 'main') });
      let answer = '';
      const end = (/** @type {boolean} */ ready) => {
        socket.destroy();
        resolve(ready);
      };
      socket.setTimeout(2_000, () => end(false));
      socket.once('error', () => end(false));
      socket.once('end', () => end(false));
      socket.once('connect', () => socket.write(`AUTH ${home.secrets.redisPassword}\r\nPING\r\n`));
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
        if (answer.includes('+PONG')) end(true);
        else if (answer.includes('-')) end(false);
      });
    }),

  environment: (home) => ({ REDIS_URL: `redis://:${home.secrets.redisPassword}@127.0.0.1:${portOf(home, 'main')}` }),
};
