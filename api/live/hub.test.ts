import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readConfig } from '../../config.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import type { SessionUpdate } from '../../domain/events.ts';
import { createLiveStream } from '../../integrations/liveStream.ts';
import { createRedis } from '../../integrations/redis.ts';
import { createLogger } from '../../observability/logger.ts';
import { newSession, newUser } from '../../tests/database.ts';
import { createLine, type Line } from '../../tests/line.ts';
import { createLiveHub, type LiveHub } from './hub.ts';

let line: Line;
let port: number;
let database: Database;
let hub: LiveHub;
let redis: ReturnType<typeof createRedis>;
/** Comes when the hub says that it could not read what was missed. */
const failed = Promise.withResolvers<undefined>();
const logger = createLogger({
  service: 'test',
  level: 'warn',
  destination: {
    write: (text) => {
      if (text.includes('missed live updates could not be read')) failed.resolve(undefined);
    },
  },
});

beforeAll(async () => {
  line = createLine(readConfig().DATABASE_URL);
  const mended = await line.mend();
  port = mended.port;
  database = openDatabase({ url: mended.url, poolMax: 2 });
  redis = createRedis(readConfig().REDIS_URL, 'hub-test', logger);
  hub = createLiveHub({ database, live: createLiveStream(redis, logger), logger });
});
afterAll(async () => {
  await hub.close();
  await database.close();
  redis.disconnect();
  await line.cut();
});

test('what could not be read in the moment when it was asked for comes once PostgreSQL is back (G4)', async () => {
  const { id: userId } = await newUser(database);
  const sessionId = await newSession(database, userId);
  // As long ago as any session that nothing happened to lately.
  await database
    .asService()
    .execute(`update session_events set created_at = now() - interval '1 day' where session_id = ?`, [sessionId]);
  const came = Promise.withResolvers<SessionUpdate>();
  await line.cut();
  hub.join(came.resolve).follow(sessionId, 0);
  await failed.promise;
  await line.mend(port);
  expect((await came.promise).data).toMatchObject({ seq: 1, event: 'created' });
});
