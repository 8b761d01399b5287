import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { secondMs } from '../domain/time.ts';
import { newSession, newUser } from '../tests/database.ts';
import { createLine, type Line } from '../tests/line.ts';
import { until } from '../tests/until.ts';
import { toApiError } from '../api/errors.ts';
import { openDatabase, type Database } from './database.ts';

let line: Line;
let port: number;
let database: Database;
/** The same with little patience, so that what hangs is soon given up; a slow machine may seem to hang, too. */
let hasty: Database;
beforeEach(async () => {
  line = createLine(readConfig().DATABASE_URL);
  const mended = await line.mend();
  port = mended.port;
  const open = (connectMs: number, answerMs: number) =>
    openDatabase({ url: mended.url, poolMax: 1, patience: { connectMs, answerMs } });
  database = open(30 * secondMs, 30 * secondMs);
  hasty = open(400, 200);
});
afterEach(async () => {
  await Promise.all([database.close(), hasty.close()]);
  await line.cut();
});

const why = (asked: Promise<unknown>) =>
  asked.then(
    () => 'answered',
    (error: unknown) => toApiError(error).code,
  );

/** Waits until PostgreSQL was quick enough for whoever has little patience. */
const untilAnswered = () =>
  until(() =>
    hasty.check().then(
      () => true,
      () => false,
    ),
  );

test('PostgreSQL that hangs keeps nobody waiting for ever, and is asked anew when it speaks again (T1)', async () => {
  await untilAnswered();
  line.silence();
  const asked = Array.from({ length: 5 }, () => why(hasty.asService().execute('select 1')));
  expect(await Promise.all(asked)).toEqual(asked.map(() => 'temporarily_unavailable'));
  line.speak();
  await untilAnswered();
});

test('PostgreSQL that takes no connection keeps nobody waiting for ever (T1)', async () => {
  line.silence();
  expect(await why(hasty.check())).toBe('temporarily_unavailable');
});

describe('a connection that is lost leaves its place in the pool to others (T1)', () => {
  const mine = () => database.asUser(randomUUID()).execute('select 1');

  test.each([
    ['before a transaction begins', () => line.cut().then(mine)],
    ['in the middle of a statement', () => Promise.all([mine(), line.cut()])],
    [
      'before its transaction is committed',
      () =>
        database.asService().transactional(async (em) => {
          await em.execute('select 1');
          await line.cut();
        }),
    ],
    [
      'between two statements of a transaction',
      () =>
        database.asService().transactional(async (em) => {
          await em.execute('select 1');
          await line.cut();
          await until(() => database.activeConnections() === 0);
          await em.execute('select 2');
        }),
    ],
    [
      'by its end on the other side',
      () => database.asService().transactional((em) => em.execute('select pg_terminate_backend(pg_backend_pid())')),
    ],
  ])('%s', async (_when, loseIt) => {
    await mine();
    expect(await why(loseIt())).toBe('temporarily_unavailable');
    await line.cut();
    await line.mend(port);
    await mine();
    expect(database.activeConnections()).toBe(0);
  });
});

test('a transaction may be silent while it waits for something else', async () => {
  const other = openDatabase({ url: readConfig().DATABASE_URL, poolMax: 1 });
  const silentOnce = () => {
    const slept = other.asService().execute('select pg_sleep(0.7)');
    return hasty.asService().transactional(async (em) => {
      await em.execute('select 1');
      await slept;
      return em.execute('select 2 as two');
    });
  };
  // Where the machine was slow to answer a statement, that was no silence between two.
  const answered = until(() => silentOnce().catch(() => null));
  expect(await answered.finally(() => other.close())).toEqual([{ two: 2 }]);
});

test('a connection that was somebody’s is nobody’s after an error, and after it was lost in the middle (I5)', async () => {
  const { id } = await newUser(database);
  await newSession(database, id);
  const mine = () => database.asUser(id).execute<unknown[]>('select id from sessions');
  const standing = `select current_user = session_user as service, coalesce(current_setting('app.user_id', true), '') as "user"`;
  const error = () => database.asUser(id).execute('select 1 / 0');
  const loss = () =>
    database.asUser(id).transactional(async (em) => {
      await em.execute('select 1');
      await line.cut();
      await line.mend(port);
    });
  for (const happens of [error, loss]) {
    expect(await mine()).toHaveLength(1);
    await expect(happens()).rejects.toThrow();
    expect(await database.asService().execute(standing)).toEqual([{ service: true, user: '' }]);
    expect(await database.asUser(randomUUID()).execute('select id from sessions')).toEqual([]);
  }
  expect(database.activeConnections()).toBe(0);
});
