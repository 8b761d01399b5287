import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { standApart } from '../../tests/apart.ts';
import { exampleOf } from '../../tests/examples.ts';
import { startPlatform, type Platform } from '../../tests/platform.ts';
import { listenAsStripe, stripeAnswers } from '../../tests/stripeListener.ts';

/** The command line as an operator runs it: a process of its own, on a platform that its environment names. */

const checkout = fileURLToPath(new URL('../..', import.meta.url));
let apart: Awaited<ReturnType<typeof standApart>>;
let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let isCardGood = false;
beforeAll(async () => {
  stripe = await listenAsStripe((path) =>
    path === '/v1/customers' ? stripeAnswers.customer : stripeAnswers[isCardGood ? 'taken' : 'declined'],
  );
  apart = await standApart({ models: true });
  platform = await startPlatform({ ...apart, STRIPE_API_BASE: stripe.url });
});
afterAll(async () => {
  await platform.close();
  await stripe.close();
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function opsWith(changes: Record<string, string>, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: checkout, env: { ...process.env, ...apart, LOG_LEVEL: 'silent', ...changes } };
    const child = execFile(
      process.execPath,
      ['cli/mindpeeker.mjs', 'ops', ...args],
      options,
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, stdout, stderr });
      },
    );
  });
}
const ops = (...args: string[]): Promise<Ended> => opsWith({}, ...args);
const json = async (...args: string[]): Promise<unknown> => JSON.parse((await ops(...args, '--json')).stdout);

/** Each call starts a process, which takes its time where many do. */
jest.setTimeout(600_000);

describe('npx mindpeeker ops (T5)', () => {
  test('says what is stuck and why, to a person and to a program', async () => {
    expect((await ops('stuck')).stdout).toContain('No session is stuck');
    const { sessionId } = await platform.startSession({ ...(await exampleOf('dowsing')), cue: 'MARKER' });
    await platform.untilEvent(sessionId, 'stuck');

    const told = await ops('stuck');
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toContain(sessionId);
    expect(await json('stuck')).toMatchObject({
      sessions: [{ id: sessionId, stuck: { reason: 'gave_up', code: 'card_declined', step: 'bill' } }],
    });

    const explained = await ops('explain', sessionId);
    expect(explained.code).toBe(0);
    for (const part of ['Dowsing', 'The payment was declined.', 'retry: ', `session-${sessionId}`]) {
      expect(explained.stdout).toContain(part);
    }
    expect(explained.stdout).not.toContain('MARKER');
    expect(await json('explain', sessionId)).toMatchObject({ suggestion: { action: 'retry' } });
  });

  test('tells who polls the queues, has a queue and a model wait, shows both, and lets them go on', async () => {
    expect((await ops('workers')).stdout).toContain(`${process.pid}@`);
    const [queue, model] = ['mindpeeker-webhooks', 'dowsing'];
    expect(await json('pause', '--queue', queue, '--reason', 'their network')).toEqual({ queue, paused: true });
    expect(await json('pause', '--model', model, '--reason', 'its weights')).toEqual({ model, paused: true });
    const { stdout } = await ops('queues');
    expect(stdout).toMatch(/mindpeeker-webhooks .*PAUSED since .*: their network/);
    expect(stdout).toMatch(/dowsing is paused since .*: its weights/);
    expect(await json('resume', '--queue', queue)).toEqual({ queue, paused: false });
    expect(await json('resume', '--model', model)).toEqual({ model, paused: false });
    expect((await ops('queues')).stdout).not.toMatch(/paused/i);
    expect((await ops('pause', '--queue', queue)).stderr).toContain('--reason');
    expect(await ops('pause', '--reason', 'none')).toMatchObject({ code: 1, stdout: '' });
  });

  test('replays what is open against the code of the checkout, and refuses to guess what is meant', async () => {
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(sessionId, 'stuck');
    const told = await ops('replay', sessionId);
    expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('1 replayed; the code of this checkout') });
    expect(await json('replay', '--all-open')).toMatchObject({ replayed: expect.any(Number), wrong: [] });
    expect(await ops('replay')).toMatchObject({ code: 1, stderr: expect.stringContaining('Say which') });
    expect(await ops('replay', randomUUID())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No workflow'),
    });
  });

  test('tells of versions, and refuses to ramp to one that nobody runs', async () => {
    expect((await ops('versions')).stdout).toMatch(/^without a build id +100 % of what is new/);
    expect(await ops('ramp', '9.9.9', '--percent', '10')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No worker polls for 9.9.9'),
    });
    expect(await ops('rollback')).toMatchObject({ code: 1, stderr: expect.stringContaining('No version is current') });
    expect((await ops('ramp', '9.9.9', '--percent', '101')).code).not.toBe(0);
  });

  test('ends with 0 only when it did what it says', async () => {
    expect((await ops('queues')).code).toBe(0);
    expect(await ops('explain', randomUUID())).toMatchObject({ code: 1, stdout: '' });
    expect(await ops('explain', 'nonsense')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no session id'),
    });
    expect(await json('explain', randomUUID())).toMatchObject({ error: expect.stringContaining('no session') });
    const { code, stderr } = await opsWith({ STRIPE_SECRET_KEY: '' }, 'queues');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^The environment is not complete.*\n {2}STRIPE_SECRET_KEY: [^\n]*\n$/),
    ]);
    expect((await ops('press-everything')).code).not.toBe(0);
    expect((await ops('--help')).code).toBe(0);
  });

  test('presses what it is told, for one session and for many, and refuses what cannot be done', async () => {
    isCardGood = false;
    const sessionIds: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
      await platform.untilEvent(sessionId, 'stuck');
      sessionIds.push(sessionId);
    }
    const [one = '', ...others] = sessionIds;
    const why = ['--reason', 'the card is good'];
    expect(await ops('skip', one, ...why)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('notify'),
    });
    expect((await ops('retry', one)).code).not.toBe(0);
    expect(await ops('retry', 'nonsense', ...why)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no session'),
    });

    isCardGood = true;
    expect(await json('reset', one, '--step', 'notify', ...why)).toMatchObject({ means: 'restart', step: 'notify' });
    await platform.untilEvent(one, 'completed');
    expect(await ops('retry', one, ...why)).toMatchObject({ code: 1, stderr: expect.stringContaining('ended') });

    const bulk = ['bulk', 'run', 'retry', '--code', 'card_declined', '--id', ...others, ...why];
    const dry = await ops(...bulk);
    expect([dry.code, others.every((id) => dry.stdout.includes(id))]).toEqual([0, true]);
    expect(await ops(...bulk, '--at-most', '1')).toMatchObject({ code: 1, stdout: '' });
    const done = await ops(...bulk, '--at-most', '2');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('2 of 2: 2 done, 0 refused, 0 failed') });
    for (const id of others) await platform.untilEvent(id, 'completed');
    const [, bulkId = ''] = /retry (\S+) is completed/.exec(done.stdout) ?? [];
    expect(await json('bulk', 'status', bulkId)).toMatchObject({ state: 'completed', done: 2 });
    expect((await ops('bulk', 'stop', bulkId)).code).toBe(0);
    expect((await ops('bulk', 'run', 'retry', ...why)).code).toBe(1);
  });
});
