import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { listAuditOf } from '../db/auditEntries.ts';
import { openDatabase } from '../db/database.ts';
import { ApiError } from '../domain/errors.ts';
import { openResources, type Resources } from '../resources.ts';
import { DeploymentRefusedError } from '../temporal/deployments.ts';
import { audited } from './audited.ts';

let resources: Resources;
beforeAll(() => {
  resources = openResources({ ...readConfig(), LOG_LEVEL: 'silent' }, 'audited-test');
});
afterAll(() => resources.close());

const newPress = () => ({
  action: 'cancel' as const,
  by: { command: 'a test' },
  reason: 'a test asks for it',
  sessionId: randomUUID(),
  details: { deleteContent: true },
});
const entriesOf = (sessionId: string) => listAuditOf(resources.database.asService(), sessionId, 10);

describe('what an operator presses (T5, I5)', () => {
  test('is written down before it is done, so that a process that dies on it leaves it there, and then with what came of it', async () => {
    const press = newPress();
    const answer = await audited(
      resources.database,
      press,
      async () => {
        const { by, ...facts } = press;
        expect(await entriesOf(press.sessionId)).toMatchObject([{ ...facts, outcome: 'begun', byCommand: by.command }]);
        return 'restart';
      },
      (means) => ({ means }),
    );
    expect(answer).toBe('restart');
    const details = { deleteContent: true, means: 'restart' };
    expect(await entriesOf(press.sessionId)).toMatchObject([{ action: 'cancel', outcome: 'done', details }]);
  });

  test.each([
    [new ApiError('not_stuck'), { outcome: 'refused', details: { deleteContent: true, code: 'not_stuck' } }],
    [new DeploymentRefusedError('Nobody polls'), { outcome: 'refused', details: { deleteContent: true } }],
    [new RangeError('It broke'), { outcome: 'failed', details: { deleteContent: true, kind: 'RangeError' } }],
  ])('that ends in %s is told so to whoever pressed, and written down', async (error, written) => {
    const press = newPress();
    await expect(audited(resources.database, press, () => Promise.reject(error))).rejects.toBe(error);
    expect(await entriesOf(press.sessionId)).toMatchObject([written]);
  });

  test('is not done where it cannot be written down', async () => {
    const gone = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', poolMax: 1 });
    let isDone = false;
    const work = () => {
      isDone = true;
      return Promise.resolve();
    };
    await expect(audited(gone, newPress(), work)).rejects.toThrow();
    expect(isDone).toBe(false);
    await gone.close();
  });
});
