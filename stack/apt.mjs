import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { runChild } from './children.mjs';
import { Problem } from './problem.mjs';

const servicePolicy = '/usr/sbin/policy-rc.d';
const clusterPolicy = '/etc/postgresql-common/createcluster.d/mindpeeker.conf';
const mark = '# MindPeeker puts this here while it installs a package, and removes it afterwards.';

/** Whether this process may install Debian packages. */
export const canApt = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

/**
 * Debian starts a service as soon as its package is installed. We run our own, on our own data, so for the time of the
 * install services stay off and PostgreSQL makes no cluster; an administrator's own policy is left alone.
 * @param {() => Promise<void>} work
 */
async function withoutServices(work) {
  const texts = [
    { path: servicePolicy, text: `#!/bin/sh\n${mark}\nexit 101\n`, mode: 0o755 },
    { path: clusterPolicy, text: `${mark}\ncreate_main_cluster = false\n`, mode: 0o644 },
  ];
  const ours = texts.filter(({ path }) => !existsSync(path) || readFileSync(path, 'utf8').includes(mark));
  for (const { path, text, mode } of ours) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  }
  try {
    await work();
  } finally {
    for (const { path } of ours) rmSync(path, { force: true });
  }
}

/** One at a time: apt refuses a second run while the first holds its lock. */
let last = Promise.resolve();

/**
 * Installs a Debian package.
 * @param {string} name
 * @param {import('./terminal.mjs').Step} step
 * @param {string} logFile
 */
export function aptInstall(name, step, logFile) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  last = last
    .catch(() => {})
    .then(() =>
      withoutServices(async () => {
        step.detail(`apt-get install ${name}`);
        await runChild('apt-get', [...wait, 'update'], { env, logFile });
        const { code } = await runChild('apt-get', [...wait, 'install', '-y', '--no-install-recommends', name], {
          env,
          logFile,
        });
        if (code !== 0)
          throw new Problem(
            `apt could not install ${name}; by hand it would be`,
            `apt-get update && apt-get install ${name}`,
          );
      }),
    );
  return last;
}
