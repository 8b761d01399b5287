import { expect, test } from '@jest/globals';
import { createLogger } from '../observability/logger.ts';
import { follow } from './following.ts';

const lines: string[] = [];
const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });

test('a worker that cannot read for a while goes on following, and says so once (T5)', async () => {
  let readings = 0;
  const readAgain = Promise.withResolvers<undefined>();
  const following = await follow(
    () => {
      readings += 1;
      if (readings === 2 || readings === 3) return Promise.reject(new Error('Nobody answers'));
      if (readings === 4) readAgain.resolve(undefined);
      return Promise.resolve();
    },
    'something',
    logger,
  );
  await readAgain.promise;
  await following.close();
  expect(lines.filter((line) => line.includes('Nobody answers'))).toHaveLength(1);
});

test('a worker that cannot read at its start does not begin', async () => {
  await expect(follow(() => Promise.reject(new Error('Nobody answers')), 'something', logger)).rejects.toThrow(
    'Nobody',
  );
});
