import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startApps } from '../stack/app.mjs';
import { bringUp } from '../stack/bring-up.mjs';
import { endChildren, runChild } from '../stack/children.mjs';
import { addressesOf, appEnvironment } from '../stack/environment.mjs';
import { installPackages } from '../stack/packages.mjs';
import { checkoutDir, pinnedNode } from '../stack/paths.mjs';
import { StackRecord } from '../stack/record.mjs';
import { loadSecrets } from '../stack/secrets.mjs';
import { createTerminal } from '../stack/terminal.mjs';

/**
 * `npm run bench`, `bench:gateway` and `bench:live`: brings up a stack of its own, with the gateway and both pools as separate
 * processes, measures (bench/main.ts, or the script that is named, given what else is said), and takes everything down
 * again. `node bench/run.mjs bench/gateway.ts 100` is a hundred calls a second.
 */
const [measurement = 'bench/main.ts', ...more] = process.argv.slice(2);
const homeDir = join(checkoutDir, '.mindpeeker', 'bench');
const terminal = createTerminal();
const asked = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    asked.abort();
    endChildren();
  });
}

/** @type {import('../stack/app.mjs').App[]} */
const apps = [];
/** @type {Awaited<ReturnType<typeof bringUp>> | undefined} */
let stack;
try {
  await installPackages(checkoutDir, terminal, join(checkoutDir, '.mindpeeker', 'logs', 'npm-ci.log'));
  // Every run begins empty, so that runs can be compared.
  rmSync(homeDir, { recursive: true, force: true });
  const record = new StackRecord(homeDir);
  const { signal } = asked;
  stack = await bringUp({ homeDir, record, owner: 'bench', preferDefaultPorts: false, terminal, signal });
  const env = appEnvironment({
    nodeEnv: 'development',
    stack,
    secrets: loadSecrets(homeDir),
    // A line for each request would be part of what is measured, as it is in production.
    caller: { ...process.env, LOG_LEVEL: 'info' },
  });
  record.setAddresses(addressesOf(env));
  // The bench is one user at one address: it pays for being counted like everybody, and is never refused.
  const scripts = [['workers/build.ts'], ['cli/provision.ts'], ['cli/limits.ts', 'stack/unlimited.json']];
  for (const script of scripts) {
    const { code, output } = await runChild(pinnedNode, script, { cwd: checkoutDir, env });
    if (code !== 0) throw new Error(`${script.join(' ')} failed:\n${output}`);
  }
  await startApps({ homeDir, record, env, terminal, signal, onStarted: (app) => apps.push(app) });
  const apiUrl = record.addresses.apiUrl ?? '';
  const { code } = await runChild(pinnedNode, [measurement, apiUrl, join(homeDir, 'stack.json'), ...more], {
    cwd: checkoutDir,
    env,
    inherit: true,
  });
  process.exitCode = code;
} catch (error) {
  if (!asked.signal.aborted) console.error(error);
  process.exitCode = 1;
} finally {
  await Promise.all(apps.map((app) => app.kept.stop()));
  await stack?.stop();
}
process.exit();
