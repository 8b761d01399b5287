import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A process of ours, started as `npm start` does. */
export interface AppProcess {
  url: string;
  /** What it has written to standard output so far: its log. */
  log(): string;
  /** Ends it as a crash would: at once, with nothing closed. */
  kill(): Promise<void>;
  /** Ends it as a deploy would. */
  stop(): Promise<void>;
}

const checkout = fileURLToPath(new URL('..', import.meta.url));
const patienceMs = 120_000;

/** Starts `script` with a free port and waits until it says that it is ready. */
export async function startProcess(
  script: 'api/main.ts' | 'workers/cpu.ts' | 'workers/gpu.ts' | 'tests/toyGpuWorker.ts',
  environment: Record<string, string> = {},
): Promise<AppProcess> {
  const port = String(await freePort());
  const child = spawn(process.execPath, [script], {
    cwd: checkout,
    env: { ...process.env, PORT: port, METRICS_PORT: port, LOG_LEVEL: 'error', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const url = `http://127.0.0.1:${port}`;
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    // Only then has all of its log come.
    await once(child, 'close');
  };
  try {
    await untilReady(`${url}/readyz`, child);
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
  return { url, log: () => log, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    if (child.exitCode !== null) throw new Error(`The process ended with code ${child.exitCode} before it was ready`);
    if (Date.now() > deadline) throw new Error(`Not ready within ${patienceMs} ms: ${url}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
