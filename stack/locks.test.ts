import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { holderOf, tryLock, withLock } from './locks.mjs';

const folder = mkdtempSync(join(tmpdir(), 'mindpeeker-locks-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('One npm start in a checkout', () => {
  test('the second finds out who the first is', () => {
    const path = join(folder, 'second');
    const first = tryLock(path, 'npm start');
    const second = tryLock(path, 'npm start');
    expect(second).toMatchObject({ holder: { pid: process.pid, what: 'npm start' } });

    if ('release' in first) first.release();
    expect(holderOf(path)).toBeNull();
    expect(tryLock(path, 'npm start')).toHaveProperty('release');
  });

  test('one that was killed does not keep the next from starting', () => {
    const path = join(folder, 'dead');
    writeFileSync(path, JSON.stringify({ pid: process.pid, birth: 'long ago', what: 'npm start', since: '' }));
    expect(tryLock(path, 'npm start')).toHaveProperty('release');
    expect(holderOf(path)).toMatchObject({ pid: process.pid });
  });

  test('a lock file that was cut short counts as free', () => {
    const path = join(folder, 'cut');
    writeFileSync(path, '{"pid": 1');
    expect(tryLock(path, 'npm start')).toHaveProperty('release');
  });

  test('work under a lock waits for the work before it, and leaves nothing behind', async () => {
    const path = join(folder, 'work');
    const events: string[] = [];
    const work = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${name} ends`);
    };
    await Promise.all([withLock(path, 'a', work('a')), withLock(path, 'b', work('b'))]);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    expect(readdirSync(folder).filter((name) => name.startsWith('work'))).toEqual([]);
  });
});
