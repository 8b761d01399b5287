import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { aptInstall, canApt } from '../stack/apt.mjs';
import { onPath } from '../stack/binaries.mjs';
import { bringUp, stopRecorded } from '../stack/bring-up.mjs';
import { endChildren, runChild } from '../stack/children.mjs';
import { addressesOf, appEnvironment } from '../stack/environment.mjs';
import { readJson } from '../stack/files.mjs';
import { tryLock, holderOf, withLock } from '../stack/locks.mjs';
import { installPackages } from '../stack/packages.mjs';
import { checkoutDir, pinnedNode, testHome } from '../stack/paths.mjs';
import { choosePort } from '../stack/ports.mjs';
import { Problem } from '../stack/problem.mjs';
import { StackRecord } from '../stack/record.mjs';
import { makeModelParts, runScript } from '../stack/scripts.mjs';
import { loadSecrets } from '../stack/secrets.mjs';
import { createTerminal } from '../stack/terminal.mjs';
import { withTestNames } from '../stack/test-names.mjs';

const usage = `npm test [-- --keep] [-- <what jest takes>]

  Checks format, lint and types, then runs every test with coverage on two stacks of its own,
  beside a started one. With arguments: only jest, with these arguments, on one stack, without
  coverage.

  --keep   leaves the test stack up, so that the next run begins at once
  --stop   stops a test stack that was kept`;

const terminal = createTerminal();
const asked = new AbortController();
const keptMark = join(testHome, 'kept');
const runsDir = join(testHome, 'runs');
/** Every test changes a stack as if it had it alone, so tests that run side by side have each their own. */
const homes = [testHome, join(testHome, 'second')];
const stackLock = join(testHome, 'stack.lock');
const report = join(testHome, `jest-${process.pid}.json`);

/** @type {string[]} */
const failedSteps = [];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    asked.abort();
    endChildren();
  });
}
process.stdout.on('error', () => {});

/**
 * A check whose output is of interest only when it fails.
 * @param {string} title
 * @param {string[]} args of node
 * @param {NodeJS.ProcessEnv} env
 */
async function check(title, args, env) {
  asked.signal.throwIfAborted();
  const step = terminal.step(title, 'running');
  const { code, output } = await runChild(pinnedNode, args, { cwd: checkoutDir, env });
  if (code === 0) {
    step.done('passed');
    return;
  }
  step.failed(`ended with code ${code}`);
  terminal.line(
    output
      .trimEnd()
      .split('\n')
      .map((line) => `      ${line}`)
      .join('\n'),
  );
  failedSteps.push(title);
}

/**
 * A database of the tests on a server from outside.
 * @param {string} serverUrl a database that exists
 * @param {string} testUrl the one to make
 */
async function makeDatabase(serverUrl, testUrl) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  const name = decodeURIComponent(new URL(testUrl).pathname.slice(1));
  const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
  if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  await client.end();
}

/**
 * Has what the fuzzing needs, and pip for it where that can be had; without it that one test fails.
 * @param {import('../stack/scripts.mjs').Stage} stage
 */
async function installSchemathesis(stage) {
  if (!onPath('pip3') && canApt()) {
    const step = terminal.step('pip', 'looking for it');
    try {
      await aptInstall('python3-pip', step, join(stage.logs, 'pip.log'));
      step.done('installed');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      step.skipped(error.message);
    }
  }
  await runScript(stage, 'Schemathesis', 'tests/fuzz/install.mjs', { mayFail: true });
}

/** Whether another run in this checkout uses the same test stack. */
const othersRun = () => readdirSync(runsDir).some((name) => holderOf(join(runsDir, name)) !== null);

async function stopTestStack() {
  rmSync(keptMark, { force: true });
  for (const home of homes) await stopRecorded(new StackRecord(home), (title) => terminal.step(title, 'stopping'));
}

/**
 * Whether a part that tests change is somebody else's server, of which there is only one.
 * @param {NodeJS.ProcessEnv} env
 */
const isFromOutside = (env) => Boolean(env.DATABASE_URL ?? env.REDIS_URL ?? env.S3_ENDPOINT ?? env.TEMPORAL_ADDRESS);

/**
 * Brings up the stack of a folder.
 * @param {string} homeDir
 * @param {boolean} keep
 * @returns {Promise<NodeJS.ProcessEnv>} what the platform runs with on it
 */
async function environmentOf(homeDir, keep) {
  const named = withTestNames(process.env);
  const stack = await withLock(stackLock, 'npm test', async () => {
    const record = new StackRecord(homeDir);
    const { signal } = asked;
    const up = await bringUp({
      homeDir,
      record,
      owner: 'test',
      preferDefaultPorts: false,
      terminal,
      env: named,
      signal,
    });
    record.setAddresses(addressesOf({ ...named, ...up.env }));
    if (keep) writeFileSync(keptMark, '');
    return up;
  });
  const caller = { LOG_LEVEL: 'warn', ...named };
  return {
    ...appEnvironment({ nodeEnv: 'test', stack, secrets: loadSecrets(homeDir), caller }),
    NODE_ENV: 'test',
    PORT: String((await choosePort(null)).port),
    METRICS_PORT: String((await choosePort(null)).port),
  };
}

/**
 * @param {string[]} jestArgs empty for everything
 * @param {boolean} keep
 */
async function run(jestArgs, keep) {
  const whole = jestArgs.length === 0;
  const logs = join(testHome, 'logs');
  await installPackages(checkoutDir, terminal, join(logs, 'npm-ci.log'));
  const stage = { logs, terminal, env: process.env, signal: asked.signal };
  await makeModelParts(stage);
  await installSchemathesis(stage);
  asked.signal.throwIfAborted();

  mkdirSync(runsDir, { recursive: true });
  const place = tryLock(join(runsDir, String(process.pid)), 'npm test');
  const theirs = whole && !isFromOutside(process.env) ? homes : [testHome];
  try {
    /** @type {NodeJS.ProcessEnv[]} */
    const stacks = [];
    for (const home of theirs) stacks.push(await environmentOf(home, keep));
    const [env = {}] = stacks;
    if (process.env.DATABASE_URL && env.DATABASE_URL) await makeDatabase(process.env.DATABASE_URL, env.DATABASE_URL);

    if (whole) {
      const bin = 'node_modules';
      await Promise.all([
        check('prettier', [`${bin}/prettier/bin/prettier.cjs`, '--check', '.'], env),
        check('eslint', [`${bin}/eslint/bin/eslint.js`, '.'], env),
        check('types', [`${bin}/typescript/bin/tsc`], env),
      ]);
    }
    await check('workflows', ['tests/buildWorkflows.ts'], env);
    for (const stack of stacks) {
      await check('provisioning', ['cli/provision.ts', '--no-schedules'], stack);
      // Thousands of requests come from one address here; what is limited is tested on a stack of its own limits.
      await check('no rate limits', ['cli/limits.ts', 'stack/unlimited.json'], stack);
    }
    await runJest(jestArgs, stacks);
  } finally {
    await withLock(stackLock, 'npm test', async () => {
      if ('release' in place) place.release();
      if (!existsSync(keptMark) && !othersRun()) await stopTestStack();
    });
  }
}

/**
 * @param {string[]} jestArgs
 * @param {NodeJS.ProcessEnv[]} stacks one for each process of jest (tests/ownStack.mjs)
 */
async function runJest(jestArgs, stacks) {
  asked.signal.throwIfAborted();
  terminal.heading('jest');
  terminal.line();
  const { code } = await runChild(
    pinnedNode,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      `--maxWorkers=${stacks.length}`,
      // A process is replaced where it has grown: each file leaves its modules in memory.
      '--workerIdleMemoryLimit=1GB',
      '--forceExit',
      '--json',
      `--outputFile=${report}`,
      ...(jestArgs.length === 0 ? ['--coverage'] : jestArgs),
    ],
    { cwd: checkoutDir, env: { ...stacks[0], TEST_STACKS: JSON.stringify(stacks) }, inherit: true },
  );
  terminal.line();
  if (code !== 0) failedSteps.push('jest');
}

/**
 * What jest reports, as far as it is read here.
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numRuntimeErrorTestSuites
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ name: string, assertionResults: { fullName: string, status: string, invocations?: number }[] }[]} testResults
 */

/** Names what passed, but not at once (tests/secondTry.ts). */
function nameSecondTries(/** @type {Report | null} */ result) {
  for (const { name, assertionResults } of result?.testResults ?? []) {
    for (const { fullName, status, invocations = 1 } of assertionResults) {
      if (status !== 'passed' || invocations === 1) continue;
      terminal.line(`\n  Passed only at the second try: ${relative(checkoutDir, name)}: ${fullName}`);
    }
  }
}

/** @returns {string} the last line, which a machine can read */
function summary(/** @type {Report | null} */ result) {
  const { numPassedTests = 0, numPendingTests = 0, numTodoTests = 0 } = result ?? {};
  const failed = result ? result.numFailedTests + result.numRuntimeErrorTestSuites : 1;
  return `Jest: ${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`;
}

const given = process.argv.slice(2);
try {
  if (given.includes('--help')) {
    terminal.line(usage);
  } else if (given.includes('--stop')) {
    await withLock(stackLock, 'npm test -- --stop', stopTestStack);
  } else {
    terminal.line();
    await run(
      given.filter((argument) => argument !== '--keep'),
      given.includes('--keep'),
    );
    if (failedSteps.length > 0) terminal.line(`\n  Failed: ${failedSteps.join(', ')}`);
    const result = /** @type {Report | null} */ (readJson(report));
    rmSync(report, { force: true });
    nameSecondTries(result);
    terminal.line(`\n${summary(result)}`);
    process.exitCode = failedSteps.length > 0 ? 1 : 0;
  }
} catch (error) {
  if (asked.signal.aborted) process.exitCode = 130;
  else {
    if (error instanceof Problem) terminal.problem(error.message, error.help);
    else console.error(error);
    process.exitCode = 1;
  }
}
process.exit();
