import { join } from 'node:path';
import { answers, choosePort } from './ports.mjs';
import { allParts } from './parts/index.mjs';
import { shown } from './paths.mjs';
import { Problem } from './problem.mjs';
import { stopProcess } from './processes.mjs';
import { loadSecrets } from './secrets.mjs';
import { KeptProcess } from './supervise.mjs';

/**
 * A part that is up, wherever it came from.
 * @typedef {object} PartUp
 * @property {import('./parts/part.mjs').Part} part
 * @property {'outside' | 'reused' | 'started'} from outside: named by an environment variable
 * @property {string} address
 * @property {Record<string, string>} env
 * @property {KeptProcess | null} kept null for a part from outside
 * @property {boolean} ours whether it ends with us
 *
 * @typedef {object} Stack
 * @property {PartUp[]} parts
 * @property {Record<string, string>} env what our processes read to reach every local part
 * @property {() => void} watch from now on a local part that dies is started again
 * @property {() => Promise<void>} stop ends the parts that are ours, and no others
 */

/**
 * Which variable names a part from outside, or null.
 * @param {import('./parts/part.mjs').Part} part
 * @param {NodeJS.ProcessEnv} env
 */
export const replacingVariable = (part, env) => part.replacedBy.find((name) => env[name]) ?? null;

/**
 * Host and port of what a variable names, or null for a service that is only a key.
 * @param {string} value
 */
function hostAndPort(value) {
  const standard = {
    'http:': 80,
    'https:': 443,
    'postgres:': 5432,
    'postgresql:': 5432,
    'redis:': 6379,
    'rediss:': 6379,
  };
  const hasScheme = /^[a-z]+:\/\//i.test(value);
  if (!hasScheme && !/^[\w.-]+:\d+$/.test(value)) return null;
  try {
    const url = new URL(hasScheme ? value : `tcp://${value}`);
    const port = Number(url.port) || standard[/** @type {keyof typeof standard} */ (url.protocol)];
    return port && url.hostname ? { host: url.hostname.replace(/^\[|\]$/g, ''), port } : null;
  } catch {
    return null;
  }
}

/**
 * @param {import('./parts/part.mjs').Part} part
 * @param {string} variable
 * @param {NodeJS.ProcessEnv} env
 * @param {import('./terminal.mjs').Step} step
 * @returns {Promise<PartUp>}
 */
async function fromOutside(part, variable, env, step) {
  const missing = (part.neededThen ?? []).find((name) => !env[name]);
  if (missing) throw new Problem(`${variable} is set, so ${missing} must be set as well`, `export ${missing}=…`);
  const target = hostAndPort(env[variable] ?? '');
  if (target && !(await answers(target.host, target.port))) {
    throw new Problem(
      `${variable} names ${target.host}:${target.port}, and nothing answers there; start it, or use a local one`,
      `unset ${variable}`,
    );
  }
  const address = target ? `${target.host}:${target.port}` : '';
  step.done(`${address ? `${address}, ` : ''}from ${variable}`);
  return { part, from: 'outside', address, env: {}, kept: null, ours: false };
}

/**
 * Brings up every part of the stack that no environment variable replaces. What an earlier run left there is reused.
 * @param {object} options
 * @param {string} options.homeDir where data, logs and `stack.json` are kept
 * @param {import('./record.mjs').StackRecord} options.record
 * @param {import('./record.mjs').Owner} options.owner who ends what is started here
 * @param {boolean} options.preferDefaultPorts false takes any free port without a word
 * @param {import('./terminal.mjs').Terminal} options.terminal
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {AbortSignal} [options.signal] when it fires, nothing is started any more
 * @returns {Promise<Stack>}
 */
export async function bringUp({ homeDir, record, owner, preferDefaultPorts, terminal, env = process.env, signal }) {
  const secrets = loadSecrets(homeDir);
  const installLog = join(homeDir, 'logs', 'install.log');

  /** @param {import('./parts/part.mjs').Part} part @returns {Promise<PartUp>} */
  const bringUpPart = async (part) => {
    const step = terminal.step(part.title);
    try {
      const variable = replacingVariable(part, env);
      return variable ? await fromOutside(part, variable, env, step) : await bringUpLocal(part, step);
    } catch (error) {
      step.failed(signal?.aborted ? 'not started' : 'not available');
      throw error;
    }
  };

  /**
   * @param {import('./parts/part.mjs').Part} part
   * @param {import('./terminal.mjs').Step} step
   * @returns {Promise<PartUp>}
   */
  const bringUpLocal = async (part, step) => {
    const live = record.live(part.name);
    const binary = await part.findBinary({ step, logFile: installLog });
    /** @type {Record<string, number>} */
    const ports = {};
    for (const [role, preferred] of Object.entries(part.ports)) {
      const before = live?.ports[role];
      if (before !== undefined) {
        ports[role] = before;
        continue;
      }
      const { port, instead } = await choosePort(preferDefaultPorts ? preferred : null);
      if (instead) terminal.note(`${part.title}: ${instead}`);
      ports[role] = port;
    }
    const home = { dir: homeDir, ports, secrets };
    const logFile = join(homeDir, 'logs', `${part.name}.log`);
    // A part that somebody brought up with `npm run stack -- up` stays theirs; one whose `npm start` was killed is ours now.
    const itsOwner = live && live.owner === 'stack' ? 'stack' : owner;
    step.detail('starting');
    const launch = await part.prepare(home, binary);
    const kept = new KeptProcess({
      name: part.title,
      launch,
      logFile,
      isReady: () => part.isReady(home),
      ...(part.stopSignal ? { stopSignal: part.stopSignal } : {}),
      onChange: (identity) =>
        record.setProcess(
          part.name,
          identity && {
            ...identity,
            owner: itsOwner,
            since: new Date().toISOString(),
            version: binary.version,
            ports,
            logFile,
          },
        ),
      say: terminal.event,
      ...(signal ? { signal } : {}),
    });
    signal?.throwIfAborted();
    const address = `127.0.0.1:${ports.main}${ports.ui === undefined ? '' : `, Web UI on ${ports.ui}`}`;
    const version = binary.version ? ` · ${binary.version}` : '';
    const elsewhere = part.dataDir(homeDir);
    const place = elsewhere && !elsewhere.startsWith(homeDir) ? ` · data in ${shown(elsewhere)}` : '';
    const up = { part, address, env: part.environment(home), kept, ours: itsOwner === owner };
    if (live) {
      kept.adopt(live);
      if (await kept.becomesReady(20_000)) {
        record.setProcess(part.name, { ...live, owner: itsOwner });
        step.done(`${address}${version} · was running`);
        return { ...up, from: 'reused' };
      }
      await stopProcess(live, part.stopSignal ? { signal: part.stopSignal } : {});
    }
    await kept.start();
    step.done(`${address}${version}${place}`);
    return { ...up, from: 'started' };
  };

  const results = await Promise.allSettled(allParts.map(bringUpPart));
  const parts = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async () => {
    // Temporal first: it is the only one that another part's absence would upset while it ends.
    const ours = parts.filter((up) => up.ours);
    await Promise.all(ours.filter((up) => up.part.name === 'temporal').map((up) => up.kept?.stop()));
    await Promise.all(ours.filter((up) => up.part.name !== 'temporal').map((up) => up.kept?.stop()));
  };
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return {
    parts,
    env: Object.assign({}, ...parts.map((up) => up.env)),
    watch: () => parts.forEach((up) => up.kept?.watch()),
    stop,
  };
}

/**
 * Ends every process of a record, whoever started it.
 * @param {import('./record.mjs').StackRecord} record
 * @param {(title: string) => import('./terminal.mjs').Step} stepFor
 * @returns {Promise<number>} how many were running
 */
export async function stopRecorded(record, stepFor) {
  const signals = Object.fromEntries(allParts.map((part) => [part.name, part.stopSignal ?? 'SIGTERM']));
  const titles = Object.fromEntries(allParts.map((part) => [part.name, part.title]));
  let stopped = 0;
  /** @param {import('./record.mjs').ProcessName} name */
  const stopOne = async (name) => {
    const live = record.live(name);
    if (live) {
      stopped += 1;
      const step = stepFor(titles[name] ?? name);
      const gentle = await stopProcess(live, { signal: signals[name] ?? 'SIGTERM' });
      step.done(gentle ? 'stopped' : 'killed, since it did not stop in 15 s');
    }
    record.setProcess(name, null);
  };
  /** @type {import('./record.mjs').ProcessName[][]} */
  const order = [['api'], ['workerCpu', 'workerGpu'], ['temporal'], ['postgres', 'redis', 's3', 'stripe', 'mail']];
  for (const names of order) await Promise.all(names.map(stopOne));
  return stopped;
}
