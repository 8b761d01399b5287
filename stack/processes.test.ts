import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { identify, isAlive, isLiveIdentity, signalProcess, stopProcess, untilGone } from './processes.mjs';

/** A child that has said that its script runs. */
async function child(script: string) {
  const process_ = spawn(process.execPath, ['-e', `${script}; console.log('up')`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(process_.stdout, 'data');
  if (process_.pid === undefined) throw new Error('the child has no pid');
  const identity = identify(process_.pid);
  if (!identity) throw new Error('the child is gone');
  return { process_, identity };
}

const forever = 'setInterval(() => {}, 1000)';

describe('A process is known by its pid and the moment of its birth', () => {
  test('a pid that now belongs to another process is neither alive for us nor signalled', async () => {
    const { process_, identity } = await child(forever);
    const former = { ...identity, birth: `${identity.birth}0` };

    expect(isAlive(former)).toBe(false);
    expect(signalProcess(former, 'SIGKILL')).toBe(false);
    expect(await stopProcess(former)).toBe(true);
    expect(isAlive(identity)).toBe(true);

    process_.kill('SIGKILL');
    expect(await untilGone(identity, 60_000)).toBe(true);
  });

  test('what a file says is believed only when the process is there', async () => {
    const { process_, identity } = await child(forever);
    expect(isLiveIdentity(identity)).toBe(true);
    expect(isLiveIdentity({ pid: identity.pid })).toBe(false);
    expect(isLiveIdentity('nonsense')).toBe(false);
    expect(isLiveIdentity(null)).toBe(false);
    process_.kill('SIGKILL');
    await untilGone(identity, 60_000);
    expect(isLiveIdentity(identity)).toBe(false);
  });

  test('a process that ignores the request to stop is killed after the grace', async () => {
    const { identity } = await child(`process.on('SIGTERM', () => {}); ${forever}`);
    expect(await stopProcess(identity, { graceMs: 100 })).toBe(false);
    expect(isAlive(identity)).toBe(false);
  });

  test('a process that stops when asked is not killed', async () => {
    const { process_, identity } = await child(`process.on('SIGTERM', () => process.exit(7)); ${forever}`);
    const exit = once(process_, 'exit');
    expect(await stopProcess(identity)).toBe(true);
    expect(await exit).toEqual([7, null]);
  });
});
