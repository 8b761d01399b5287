import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestApi, type TestApi } from '../../tests/api.ts';
import { createLimiter } from '../limits.ts';
import { createLiveConnections } from './connections.ts';
import { createLiveHub } from './hub.ts';
import type { Ending } from './messages.ts';
import { createTrainingWatcher } from './trainings.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

test('who asks and asks and reads no answer is dropped as a slow reader (G4)', async () => {
  const { deps } = api;
  const [hub, trainings] = [createLiveHub(deps), createTrainingWatcher(deps)];
  const connections = createLiveConnections({ ...deps, hub, trainings, limit: createLimiter(deps) });
  const { token } = await api.newUser();
  const ended = Promise.withResolvers<Ending>();
  let unsentBytes = 0;
  const link = { send: () => undefined, unsentBytes: () => unsentBytes, end: ended.resolve };
  const connection = connections.open(link, await connections.enter({ token }));
  const askOnce = () =>
    new Promise<void>((resolve) => {
      connection.receive('unsubscribe', { user: true }, () => {
        unsentBytes += 1_024;
        resolve();
      });
      void ended.promise.then(() => {
        resolve();
      });
    });
  for (let asked = 0; asked < 300; asked += 1) await askOnce();
  connection.close();
  expect(await ended.promise).toBe('slow_reader');
  await Promise.all([connections.close(), hub.close(), trainings.close()]);
});
