import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../tests/until.ts';
import { urlAnswers } from './parts/part.mjs';
import { choosePort } from './ports.mjs';
import { isAlive, signalProcess } from './processes.mjs';
import { KeptProcess } from './supervise.mjs';

const folder = mkdtempSync(join(tmpdir(), 'mindpeeker-supervise-'));
const script = join(folder, 'service.mjs');
writeFileSync(
  script,
  `import { createServer } from 'node:http';
   createServer((request, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1');
   console.log('listening');`,
);
const kept: KeptProcess[] = [];

afterEach(async () => {
  await Promise.all(kept.splice(0).map((one) => one.stop()));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Options = ConstructorParameters<typeof KeptProcess>[0];

async function service(overrides: Partial<Options> = {}) {
  const { port } = await choosePort(null);
  const said: string[] = [];
  const pids: (number | null)[] = [];
  const options: Options = {
    name: 'service',
    launch: { command: process.execPath, args: [script], env: { PORT: String(port) } },
    logFile: join(folder, `${port}.log`),
    isReady: () => urlAnswers(`http://127.0.0.1:${port}/`),
    onChange: (identity) => pids.push(identity?.pid ?? null),
    say: (text) => said.push(text),
    ...overrides,
  };
  const one = new KeptProcess(options);
  kept.push(one);
  return { one, said, pids, options };
}

function identityOf(one: KeptProcess) {
  if (!one.identity) throw new Error('it does not run');
  return one.identity;
}

describe('A process of the stack (I1)', () => {
  test('that is killed runs again, and its name, the signal and its log are said', async () => {
    const { one, said, pids, options } = await service();
    await one.start();
    one.watch();
    const first = identityOf(one);
    signalProcess(first, 'SIGKILL');

    await until(() => said.length === 2);
    expect(said[0]).toBe(`service stopped (signal SIGKILL), starting it again in 0.5 s · ${options.logFile}`);
    expect(said[1]).toContain(`service is running again (pid ${identityOf(one).pid}`);
    expect(isAlive(first)).toBe(false);
    expect(isAlive(identityOf(one))).toBe(true);
    expect(pids).toEqual([first.pid, identityOf(one).pid]);
  });

  test('that was adopted from an earlier run is looked after like any other', async () => {
    const { one, options } = await service();
    await one.start();
    const said: string[] = [];
    const heir = new KeptProcess({ ...options, say: (text) => said.push(text) });
    kept.push(heir);
    heir.adopt(identityOf(one));
    expect(await heir.becomesReady(60_000)).toBe(true);
    heir.watch();
    signalProcess(identityOf(one), 'SIGKILL');
    await until(() => said.length === 2);
    expect(said[1]).toContain('service is running again');
  });

  test('stops when asked and is not started again', async () => {
    const { one, said, pids } = await service();
    await one.start();
    one.watch();
    const identity = identityOf(one);
    await one.stop();
    expect(isAlive(identity)).toBe(false);
    expect(pids).toEqual([identity.pid, null]);
    expect(said).toEqual([]);
  });

  test('that cannot start is reported with the last lines of its log', async () => {
    const { one } = await service({
      launch: { command: process.execPath, args: ['-e', "console.log('the disk is full'); process.exit(3)"] },
      isReady: () => Promise.resolve(false),
    });
    await expect(one.start({ attempts: 1 })).rejects.toThrow(
      /^service stopped before it was ready \(exit code 3\)\. Its last lines:[^]*the disk is full/,
    );
  });

  test('whose program is missing is reported, not waited for', async () => {
    const { one } = await service({
      launch: { command: join(folder, 'nothing'), args: [] },
      isReady: () => Promise.resolve(false),
    });
    await expect(one.start({ attempts: 1 })).rejects.toThrow('service stopped before it was ready (exit code 127)');
  });

  test('writes to its log across restarts', async () => {
    const { one, said, options } = await service();
    await one.start();
    one.watch();
    signalProcess(identityOf(one), 'SIGKILL');
    await until(() => said.length === 2);
    expect(readFileSync(options.logFile, 'utf8').match(/listening/g)).toHaveLength(2);
  });
});
