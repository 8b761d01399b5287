import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { SessionType } from '../domain/session.ts';
import { openTestDatabase } from '../tests/database.ts';
import type { Database } from './database.ts';
import { ModelChange } from './entities.ts';
import { activeVersion, findVersion, promote, registerVersion, type NewModelVersion } from './models.ts';

let database: Database;
beforeAll(() => {
  database = openTestDatabase();
});
afterAll(() => database.close());

const em = () => database.asService();

/** A model of its own for each test, beside the four: its name is one that no session has. */
let name: SessionType;
beforeEach(() => {
  name = `test_${randomUUID()}` as SessionType;
});

function versionOf(version: string, given: Partial<NewModelVersion> = {}): NewModelVersion {
  return {
    name,
    version,
    artefactKey: `models/${name}/${version}`,
    sha256: 'a'.repeat(64),
    figures: [{ name: 'AUC', value: 0.9, chance: 0.5, chanceIs: 'a coin toss' }],
    seed: 1,
    sessions: 1_000,
    backend: 'tensorflow-cpu',
    profile: { yes: { edges: [0.5], shares: [0.5, 0.5] } },
    card: '# A model',
    ...given,
  };
}
const changes = () => em().find(ModelChange, { name }, { orderBy: { id: 'asc' } });

describe('a version', () => {
  test('is registered without analyzing anything, and once however often it is said (M2)', async () => {
    expect(await registerVersion(em(), versionOf('1.0.0'))).toBe(true);
    expect(await registerVersion(em(), versionOf('1.0.0'))).toBe(false);
    expect(await activeVersion(em(), name)).toBeNull();
    expect(await findVersion(em(), { name, version: '1.0.0' })).toMatchObject({
      seed: 1,
      figures: [{ name: 'AUC', value: 0.9, chance: 0.5, meaning: 'a coin toss' }],
    });
    expect(await changes()).toEqual([]);
  });

  test('never changes its artefact', async () => {
    await registerVersion(em(), versionOf('1.0.0'));
    const other = registerVersion(em(), versionOf('1.0.0', { sha256: 'b'.repeat(64) }));
    await expect(other).rejects.toThrow('is registered with another artefact');
  });

  test('is promoted by somebody for a reason, and a second press changes nothing', async () => {
    const by = randomUUID();
    await registerVersion(em(), versionOf('1.0.0'));
    await registerVersion(em(), versionOf('1.1.0'));
    await promote(em(), { name, version: '1.0.0' });
    await promote(em(), { name, version: '1.1.0', by, reason: 'Better on the test set.' });
    await promote(em(), { name, version: '1.1.0', by });
    expect(await activeVersion(em(), name)).toMatchObject({ version: '1.1.0' });
    expect(await changes()).toMatchObject([
      { kind: 'promote', fromVersion: null, toVersion: '1.0.0', changedBy: null, reason: null },
      { kind: 'promote', fromVersion: '1.0.0', toVersion: '1.1.0', changedBy: by, reason: 'Better on the test set.' },
    ]);
  });

  test('that is not registered cannot be promoted', async () => {
    await registerVersion(em(), versionOf('1.0.0'));
    await expect(promote(em(), { name, version: '9.9.9' })).rejects.toThrow('has no version 9.9.9');
    expect(await activeVersion(em(), name)).toBeNull();
  });
});
