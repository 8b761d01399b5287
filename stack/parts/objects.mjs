import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathOrCache } from '../binaries.mjs';
import { readJson, replaceFile } from '../files.mjs';
import { portOf, urlAnswers } from './part.mjs';

const healthPath = '/_health';

/** @param {string} homeDir */
const dataDir = (homeDir) => join(homeDir, 'objects');

/**
 * The gateway keeps an object's metadata in extended attributes of its file. Where the file system has none it keeps them
 * in files beside; asked of the gateway itself once, since data written one way cannot be read the other way.
 * @param {string} folder
 * @param {string} gateway
 * @returns {Promise<'attributes' | 'files'>}
 */
async function metadataPlace(folder, gateway) {
  const path = join(folder, 'layout.json');
  const known = /** @type {{metadata: 'attributes' | 'files'} | null} */ (readJson(path));
  if (known) return known.metadata;
  const trial = mkdtempSync(join(folder, 'trial-'));
  const socketFolder = mkdtempSync(join(tmpdir(), 'mindpeeker-'));
  const socket = join(socketFolder, 's');
  const args = ['--port', socket, '--access', 'trial', '--secret', 'trial', '--quiet', 'posix', trial];
  const child = spawn(gateway, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  // It serves, or it refuses and ends.
  const deadline = Date.now() + 5_000;
  while (!existsSync(socket) && child.exitCode === null && Date.now() < deadline) await sleep(20);
  child.kill('SIGKILL');
  await closed;
  const refused = /xattrs? (are |is )?not supported/i.test(output);
  rmSync(trial, { recursive: true, force: true });
  rmSync(socketFolder, { recursive: true, force: true });
  const metadata = refused ? 'files' : 'attributes';
  replaceFile(path, `${JSON.stringify({ metadata })}\n`);
  return metadata;
}

/** @type {import('./part.mjs').Part} */
export const objects = {
  name: 's3',
  title: 'Object storage',
  replacedBy: ['S3_ENDPOINT'],
  neededThen: ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
  ports: { main: 7070 },
  dataDir,

  findBinary: (setup) => pathOrCache('versitygw', setup, ['--version']),

  async prepare(home, binary) {
    const folder = dataDir(home.dir);
    const buckets = join(folder, 'buckets');
    const versions = join(folder, 'versions');
    const sidecar = join(folder, 'metadata');
    mkdirSync(buckets, { recursive: true, mode: 0o700 });
    mkdirSync(versions, { recursive: true, mode: 0o700 });
    const beside = (await metadataPlace(folder, binary.path)) === 'files';
    if (beside) mkdirSync(sidecar, { recursive: true, mode: 0o700 });
    return {
      command: binary.path,
      args: [
        ...['--port', `127.0.0.1:${portOf(home, 'main')}`, '--health', healthPath, '--quiet'],
        ...['posix', '--versioning-dir', versions, '--dir-perms', '0700', '--file-perms', '0600'],
        ...(beside ? ['--sidecar', sidecar] : []),
        buckets,
      ],
      env: {
        ROOT_ACCESS_KEY_ID: home.secrets.s3AccessKeyId,
        ROOT_SECRET_ACCESS_KEY: home.secrets.s3SecretAccessKey,
        VGW_REGION: process.env.S3_REGION ?? 'us-east-1',
      },
    };
  },

  isReady: (home) => urlAnswers(`http://127.0.0.1:${portOf(home, 'main')}${healthPath}`),

  environment: (home) => ({
    S3_ENDPOINT: `http://127.0.0.1:${portOf(home, 'main')}`,
    S3_ACCESS_KEY_ID: home.secrets.s3AccessKeyId,
    S3_SECRET_ACCESS_KEY: home.secrets.s3SecretAccessKey,
  }),
};
