import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openDatabase, type Database } from '../../db/database.ts';
import { eraseSession } from '../../db/sessionSteps.ts';
import type { SessionContent } from '../../domain/content.ts';
import { newSession, newUser } from '../../tests/database.ts';
import { createLine, type Line } from '../../tests/line.ts';
import { readConfig } from '../../config.ts';
import { openResources, type Resources } from '../../resources.ts';
import { createSessionReader } from './reading.ts';

const sessionType = 'remote_viewing';
let resources: Resources;
let line: Line;
let database: Database;
beforeAll(() => {
  resources = openResources({ ...readConfig(), LOG_LEVEL: 'silent' }, 'test');
});
afterAll(() => resources.close());
beforeEach(async () => {
  line = createLine(readConfig().DATABASE_URL);
  database = openDatabase({ url: (await line.mend()).url, poolMax: 1 });
});
afterEach(async () => {
  await database.close();
  await line.cut();
});

/** A session of somebody, and the reading of it, in which something happens just before the cache is written. */
async function readWhile(happens: (sessionId: string) => Promise<void>) {
  const { contents, cache } = resources;
  const { id: userId } = await newUser(resources.database);
  const sessionId = randomUUID();
  const content: SessionContent = { sessionType, cue: '4711-0815', impressions: { words: ['a tower'] } };
  const contentKey = await contents.put({ sessionId, userId }, 'f'.repeat(64), content);
  await newSession(resources.database, userId, { id: sessionId, sessionType, contentKey });
  const reader = createSessionReader({
    database,
    contents,
    cache: {
      ...cache,
      putSession: async (id, entry) => {
        await happens(id);
        await cache.putSession(id, entry);
      },
    },
  });
  const read = reader.read({ userId }, sessionId).then(
    () => 'read',
    () => 'refused',
  );
  return { outcome: await read, cached: await cache.getSession(sessionId) };
}

describe('a session does not come back into the cache by whoever was just reading it (D2)', () => {
  test('while it was erased', async () => {
    const erase = async (id: string) => {
      await eraseSession(resources.database.asService(), id);
      await resources.cache.forget(id);
    };
    expect(await readWhile(erase)).toEqual({ outcome: 'read', cached: undefined });
  });

  test('and whom PostgreSQL can no longer tell whether it is there', async () => {
    expect(await readWhile(() => line.cut())).toEqual({ outcome: 'refused', cached: undefined });
  });
});
