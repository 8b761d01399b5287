import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { bringUp, replacingVariable, stopRecorded } from './bring-up.mjs';
import { addressesOf, appEnvironment } from './environment.mjs';
import { holderOf, withLock } from './locks.mjs';
import { allParts } from './parts/index.mjs';
import { shown, stackLock, startHome, startLock } from './paths.mjs';
import { Problem } from './problem.mjs';
import { StackRecord } from './record.mjs';
import { loadSecrets } from './secrets.mjs';
import { createTerminal } from './terminal.mjs';

const usage = `npm run stack -- up | down | status [--json] | reset [--yes]

  up       brings up PostgreSQL, Redis, object storage, Temporal, Stripe's mock and the
           mail page in the background, and returns when they are healthy
  down     stops what "up" started
  status   what runs, where, since when
  reset    stops everything and deletes its data`;

const terminal = createTerminal();

/** While `npm start` runs it alone decides about the stack. */
function refuseWhileStarted() {
  const holder = holderOf(startLock);
  if (holder) {
    throw new Problem(
      `npm start (pid ${holder.pid}) is using the stack; stop it first, with Ctrl-C or`,
      `kill ${holder.pid}`,
    );
  }
}

/**
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 */
const alone = (what, work) =>
  withLock(stackLock, what, work, (holder) =>
    terminal.note(`waiting for "${holder.what}" (pid ${holder.pid}) to finish`),
  );

async function up() {
  refuseWhileStarted();
  terminal.line();
  const { env, record } = await alone('stack up', async () => {
    const kept = new StackRecord(startHome);
    const stack = await bringUp({
      homeDir: startHome,
      record: kept,
      owner: 'stack',
      preferDefaultPorts: true,
      terminal,
    });
    const appEnv = appEnvironment({
      nodeEnv: 'development',
      stack,
      secrets: loadSecrets(startHome),
      caller: process.env,
    });
    kept.setAddresses(addressesOf(appEnv));
    return { env: appEnv, record: kept };
  });
  terminal.line();
  terminal.pairs([
    ...(env.TEMPORAL_UI_URL ? [/** @type {[string, string]} */ (['Temporal Web UI', env.TEMPORAL_UI_URL])] : []),
    ...(env.SENDGRID_API_BASE ? [/** @type {[string, string]} */ (['Mail', env.SENDGRID_API_BASE])] : []),
    [
      'Addresses',
      Object.keys(record.processes).length === 0 ? 'all from the environment' : shown(join(startHome, 'stack.json')),
    ],
    ['Stop', 'npm run stack -- down'],
  ]);
  terminal.line();
}

async function down() {
  refuseWhileStarted();
  terminal.line();
  const stopped = await alone('stack down', () => stopRecorded(new StackRecord(startHome), terminal.step));
  terminal.line(stopped === 0 ? '  Nothing was running.\n' : '');
}

/** @param {boolean} asJson */
function status(asJson) {
  const record = new StackRecord(startHome);
  const titles = { api: 'API', workerCpu: 'CPU worker', workerGpu: 'GPU worker' };
  const ours = /** @type {const} */ (['api', 'workerCpu', 'workerGpu']).map((name) => ({
    name,
    title: titles[name],
    variable: null,
  }));
  const parts = allParts.map((part) => ({
    name: part.name,
    title: part.title,
    variable: replacingVariable(part, process.env),
  }));
  const rows = [...parts, ...ours].map(({ name, title, variable }) => {
    const live = record.live(name);
    return {
      name,
      title,
      state: live ? 'running' : variable ? `from ${variable}` : 'stopped',
      address: live ? `127.0.0.1:${live.ports.main}` : '',
      pid: live?.pid ?? null,
      version: live?.version ?? '',
      since: live?.since ?? null,
      startedBy: live
        ? { start: 'npm start', stack: 'stack up', test: 'npm test', bench: 'npm run bench' }[live.owner]
        : '',
    };
  });
  if (asJson) {
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  const cells = rows.map((row) => [
    row.title,
    row.state,
    row.address,
    row.pid === null ? '' : String(row.pid),
    row.version,
    row.since === null ? '' : new Date(row.since).toLocaleString('sv-SE'),
    row.startedBy,
  ]);
  const head = ['part', 'state', 'address', 'pid', 'version', 'since', 'started by'];
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => (row[column] ?? '').length)));
  const print = (/** @type {string[]} */ row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  terminal.line(`\n  ${terminal.dim(print(head))}`);
  for (const row of cells) terminal.line(`  ${print(row)}`);
  terminal.line();
}

/** @param {boolean} sure */
async function reset(sure) {
  refuseWhileStarted();
  if (!sure) {
    if (!process.stdin.isTTY)
      throw new Problem(
        'reset deletes all data of the local stack, and nobody is here to be asked',
        'npm run stack -- reset --yes',
      );
    const ask = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await ask.question(`\n  Delete all data of the local stack in ${shown(startHome)}? [y/N] `);
    ask.close();
    if (!/^y(es)?$/i.test(answer.trim())) {
      terminal.line('\n  Nothing was deleted.\n');
      return;
    }
  }
  terminal.line();
  await alone('stack reset', async () => {
    await stopRecorded(new StackRecord(startHome), terminal.step);
    const step = terminal.step('data', 'deleting');
    for (const part of allParts) {
      const folder = part.dataDir(startHome);
      if (!folder) continue;
      rmSync(folder, { recursive: true, force: true });
      if (!folder.startsWith(startHome)) rmSync(dirname(folder), { recursive: true, force: true });
    }
    for (const name of ['secrets.json', 'stack.json', 'logs'])
      rmSync(join(startHome, name), { recursive: true, force: true });
    step.done('deleted; the next start begins empty');
  });
  terminal.line();
}

async function main() {
  const commands = {
    up,
    down,
    status: () => status(values.json ?? false),
    reset: () => reset(values.yes ?? false),
  };
  /** @type {{json?: boolean, yes?: boolean, help?: boolean}} */
  let values = {};
  let command = '';
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        yes: { type: 'boolean', short: 'y' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    values = parsed.values;
    if (parsed.positionals.length === 1) command = parsed.positionals[0] ?? '';
  } catch {
    throw new Problem('that option is not known', 'npm run stack -- --help');
  }
  if (values.help || !(command in commands)) {
    terminal.line(`\n${usage}\n`);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  await commands[/** @type {keyof typeof commands} */ (command)]();
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
try {
  await main();
} catch (error) {
  if (error instanceof Problem) terminal.problem(error.message, error.help);
  else console.error(error);
  process.exitCode = 1;
}
process.exit();
