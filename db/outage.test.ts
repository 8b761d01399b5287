import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { newSession, newUser } from '../tests/database.ts';
import { createLine, type Line } from '../tests/line.ts';
import { toApiError } from '../api/errors.ts';
import { openDatabase, type Database } from './database.ts';

let line: Line;
let database: Database;
beforeEach(async () => {
  line = createLine(readConfig().DATABASE_URL);
  const { url } = await line.mend();
  database = openDatabase({ url, poolMax: 1, patience: { connectMs: 400, answerMs: 200 } });
});
afterEach(async () => {
  await database.close();
  await line.cut();
});

const why = (asked: Promise<unknown>) =>
  asked.then(
    () => 'answered',
    (error: unknown) => toApiError(error).code,
  );

test('PostgreSQL that hangs keeps nobody waiting for ever, and is asked anew when it speaks again (T1)', async () => {
  await database.check();
  line.silence();
  const asked = Array.from({ length: 5 }, () => why(database.asService().execute('select 1')));
  expect(await Promise.all(asked)).toEqual(asked.map(() => 'temporarily_unavailable'));
  line.speak();
  await database.check();
});

test('PostgreSQL that takes no connection keeps nobody waiting for ever (T1)', async () => {
  line.silence();
  expect(await why(database.check())).toBe('temporarily_unavailable');
});

test('a transaction may be silent while it waits for something else', async () => {
  const other = openDatabase({ url: readConfig().DATABASE_URL, poolMax: 1 });
  const slept = other.asService().execute('select pg_sleep(0.7)');
  const answered = database.asService().transactional(async (em) => {
    await em.execute('select 1');
    await slept;
    return em.execute('select 2 as two');
  });
  expect(await answered.finally(() => other.close())).toEqual([{ two: 2 }]);
});

test('a connection that was somebody’s is nobody’s after an error, and after it was lost in the middle (I5)', async () => {
  const { id } = await newUser(database);
  await newSession(database, id);
  const mine = () => database.asUser(id).execute<unknown[]>('select id from sessions');
  const standing = `select current_user = session_user as service, current_setting('app.user_id', true) as "user"`;
  for (const wrong of ['select 1 / 0', 'select pg_terminate_backend(pg_backend_pid())']) {
    expect(await mine()).toHaveLength(1);
    await expect(database.asUser(id).execute(wrong)).rejects.toThrow();
    expect(await database.asService().execute(standing)).toEqual([{ service: true, user: '' }]);
    expect(await database.asUser(randomUUID()).execute('select id from sessions')).toEqual([]);
  }
  expect(database.activeConnections()).toBe(0);
});
