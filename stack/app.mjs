import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutDir, pinnedNode } from './paths.mjs';
import { apiPort, choosePort } from './ports.mjs';
import { urlAnswers } from './parts/part.mjs';
import { Problem } from './problem.mjs';
import { KeptProcess } from './supervise.mjs';

/**
 * Our own processes, in the order in which they are stopped.
 * @type {{name: 'api' | 'workerCpu' | 'workerGpu', title: string, nodeArgs?: string[], script: string, portVariable: 'PORT' | 'METRICS_PORT', port: number}[]}
 */
const apps = [
  {
    name: 'api',
    title: 'API',
    // Left to itself, the heap would take what ten thousand live connections leave of 500 MB (docs/performance.md).
    nodeArgs: ['--max-semi-space-size=4', '--heap-growing-percent=60'],
    script: 'api/main.ts',
    portVariable: 'PORT',
    port: apiPort,
  },
  { name: 'workerCpu', title: 'CPU worker', script: 'workers/cpu.ts', portVariable: 'METRICS_PORT', port: 9464 },
  { name: 'workerGpu', title: 'GPU worker', script: 'workers/gpu.ts', portVariable: 'METRICS_PORT', port: 9465 },
];

/**
 * @typedef {object} App
 * @property {(typeof apps)[number]['name']} name
 * @property {string} url where it answers
 * @property {KeptProcess} kept
 */

/**
 * Starts the gateway and both worker pools and waits until each says that it is ready.
 * @param {object} options
 * @param {string} options.homeDir
 * @param {import('./record.mjs').StackRecord} options.record
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import('./terminal.mjs').Terminal} options.terminal
 * @param {AbortSignal} options.signal
 * @param {(app: App) => void} options.onStarted called before it is ready, so that a stop reaches it
 * @returns {Promise<void>}
 */
export async function startApps({ homeDir, record, env, terminal, signal, onStarted }) {
  /** @type {Map<string, number>} */
  const ports = new Map();
  for (const { name, title, portVariable, port: preferred } of apps) {
    const { port, instead } = await choosePort(portVariable === 'PORT' ? Number(env.PORT ?? preferred) : preferred);
    if (instead) terminal.note(`${title}: ${instead}`);
    ports.set(name, port);
  }
  const apiUrl = `http://127.0.0.1:${ports.get('api')}`;
  record.setAddresses({ apiUrl });
  /** @type {NodeJS.ProcessEnv} */
  const appEnv = {
    // Browsers know passkeys at a name alone; a page that was opened at the number may follow sessions live as well.
    PUBLIC_URL: `http://localhost:${ports.get('api')}`,
    ...env,
    CORS_ORIGINS: [apiUrl, ...(env.CORS_ORIGINS ? [env.CORS_ORIGINS] : [])].join(','),
  };

  const startOne = async (
    /** @type {(typeof apps)[number]} */ { name, title, nodeArgs = [], script, portVariable },
  ) => {
    const args = [...nodeArgs, script];
    const step = terminal.step(title, `node ${args.join(' ')}`);
    try {
      if (!existsSync(join(checkoutDir, script))) throw new Problem(`${script} is missing`, `git checkout ${script}`);
      const port = ports.get(name) ?? 0;
      const url = `http://127.0.0.1:${port}`;
      const logFile = join(homeDir, 'logs', `${name}.log`);
      /** @type {Record<string, string>} */
      const ownEnv = {};
      for (const [key, value] of Object.entries({ ...appEnv, [portVariable]: String(port) })) {
        if (value !== undefined) ownEnv[key] = value;
      }
      const kept = new KeptProcess({
        name: title,
        launch: { command: pinnedNode, args, env: ownEnv, cwd: checkoutDir },
        logFile,
        isReady: () => urlAnswers(`${url}/readyz`),
        onChange: (identity) =>
          record.setProcess(
            name,
            identity && {
              ...identity,
              owner: 'start',
              since: new Date().toISOString(),
              version: '',
              ports: { main: port },
              logFile,
            },
          ),
        say: terminal.event,
        signal,
      });
      onStarted({ name, url, kept });
      await kept.start();
      kept.watch();
      step.done(url);
    } catch (error) {
      step.failed('not ready');
      throw error;
    }
  };
  const results = await Promise.allSettled(apps.map(startOne));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}
