import { existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { cachedPath, fromCacheOrGo, onPath } from '../binaries.mjs';
import { runChild } from '../children.mjs';
import { downloadBySdk } from '../sdk-download.mjs';
import { versions } from '../versions.mjs';
import { apiPort } from '../ports.mjs';
import { portOf } from './part.mjs';

/** @param {string} homeDir */
const dataDir = (homeDir) => join(homeDir, 'temporal');

/**
 * Against a power cut these are weaker than SQLite's defaults, against a killed process they are as safe, and they are
 * three times as fast. Production keeps Temporal on PostgreSQL.
 */
const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL'];

const dynamicConfig = {
  // The one history shard of the local server polls its queues twenty times a second unless told otherwise, so every
  // task would wait for a grid of 50 ms.
  'history.transferProcessorMaxPollRPS': 2000,
  'history.transferProcessorMaxPollHostRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollHostRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollHostRPS': 2000,
  // Priority by tier and fairness between people: tasks of another key are found behind any number of one key's.
  'matching.useNewMatcher': true,
  'matching.enableFairness': true,
  // An activity for the queue of its own workflow comes back with the answer that scheduled it, without a queue.
  'system.enableActivityEagerExecution': true,
  // Update-with-start. On in 1.29, off in servers before 1.28 that somebody may have on the PATH.
  'frontend.enableExecuteMultiOperation': true,
  // A version that no workflow is left on is told as drained within seconds; servers take minutes unless told otherwise.
  'matching.wv.VersionDrainageStatusVisibilityGracePeriod': '"5s"',
  'matching.wv.VersionDrainageStatusRefreshInterval': '"5s"',
};

/**
 * From the cache folder, else by the SDK's own download, else built with Go.
 * @param {import('../terminal.mjs').Step} step
 * @param {string} logFile
 */
async function findOrInstall(step, logFile) {
  const { version } = versions.temporal;
  const cached = cachedPath('temporal');
  if (existsSync(cached)) return cached;
  step.detail("asking Temporal's SDK for its download");
  if (await downloadBySdk(cached, version, logFile)) return cached;
  return fromCacheOrGo('temporal', step, logFile);
}

/** @type {import('./part.mjs').Part} */
export const temporal = {
  name: 'temporal',
  title: 'Temporal',
  replacedBy: ['TEMPORAL_ADDRESS'],
  ports: { main: 7233, ui: 8233 },
  dataDir,

  async findBinary({ step, logFile }) {
    const path = onPath('temporal') ?? (await findOrInstall(step, logFile));
    const { output } = await runChild(path, ['--version'], { timeoutMs: 10_000 });
    return { path, version: /Server (\d+\.\d+\.\d+)/.exec(output)?.[1] ?? '' };
  },

  async prepare(home, binary) {
    const folder = dataDir(home.dir);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return {
      command: binary.path,
      args: [
        ...['server', 'start-dev', '--ip', '127.0.0.1'],
        ...['--port', String(portOf(home, 'main')), '--ui-port', String(portOf(home, 'ui'))],
        ...['--db-filename', join(folder, 'temporal.db'), '--log-level', 'warn'],
        // Where the Web UI, itself at localhost, has payloads opened: one site, so that the cookie goes along; it asks
        // its reader for the rest (docs/operations.md).
        ...['--ui-codec-endpoint', `http://localhost:${process.env.PORT ?? apiPort}/v1/admin/codec`],
        ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
        ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
      ],
      // A quarter more workflows a second for one gigabyte of memory.
      env: { GOGC: process.env.GOGC ?? '800' },
    };
  },

  /** The health call of gRPC, spoken by hand: this runs before any package is installed. */
  isReady: (home) =>
    new Promise((resolve) => {
      const session = connect(`http://127.0.0.1:${portOf(home, 'main')}`);
      const end = (/** @type {boolean} */ ready) => {
        session.destroy();
        resolve(ready);
      };
      session.setTimeout(2_000, () => end(false));
      session.once('error', () => end(false));
      const call = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const service = Buffer.from('temporal.api.workflowservice.v1.WorkflowService');
      const message = Buffer.concat([Buffer.from([0x0a, service.length]), service]);
      const frame = Buffer.alloc(5);
      frame.writeUInt32BE(message.length, 1);
      call.once('error', () => end(false));
      // Field 1 of the answer is 1 when it serves.
      call.once('data', (answer) => end(answer[5] === 0x08 && answer[6] === 0x01));
      call.once('end', () => end(false));
      call.end(Buffer.concat([frame, message]));
    }),

  environment: (home) => ({
    TEMPORAL_ADDRESS: `127.0.0.1:${portOf(home, 'main')}`,
    TEMPORAL_UI_URL: `http://localhost:${portOf(home, 'ui')}`,
  }),
};
