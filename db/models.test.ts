import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { SessionType } from '../domain/session.ts';
import { openTestDatabase } from '../tests/database.ts';
import { addComparisons, listComparisons } from './comparisons.ts';
import type { Database } from './database.ts';
import { Model, ModelChange, ModelComparison, ModelVersion } from './entities.ts';
import {
  activeVersion,
  findModel,
  findVersion,
  listVersions,
  NoEarlierVersionError,
  promote,
  registerVersion,
  rollback,
  setCanary,
  setShadow,
  type NewModelVersion,
} from './models.ts';

let database: Database;
beforeAll(() => {
  database = openTestDatabase();
});
afterAll(() => database.close());
afterEach(async () => {
  await em().nativeDelete(Model, { name });
  await em().nativeDelete(ModelVersion, { name });
  await em().nativeDelete(ModelChange, { name });
});

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
    await expect(promote(em(), { name, version: '9.9.9' })).rejects.toThrow('is not a registered version');
    expect(await activeVersion(em(), name)).toBeNull();
  });
});

describe('a model', () => {
  const [by, reason] = [randomUUID(), 'A reason.'];
  const state = () => findModel(em(), name);
  beforeEach(async () => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await registerVersion(em(), versionOf(version));
    await promote(em(), { name, version: '1.0.0' });
  });

  test('rolls back to the version before, once however often it is pressed', async () => {
    await promote(em(), { name, version: '1.1.0' });
    for (let press = 0; press < 3; press++) await rollback(em(), { name, by, reason });
    expect(await state()).toMatchObject({ activeVersion: '1.0.0', updatedBy: by });
    expect((await changes()).map(({ kind, toVersion }) => [kind, toVersion])).toEqual([
      ['promote', '1.0.0'],
      ['promote', '1.1.0'],
      ['rollback', '1.0.0'],
    ]);
  });

  test('that had one active version only has nothing to roll back to', async () => {
    await expect(rollback(em(), { name })).rejects.toThrow(NoEarlierVersionError);
    expect(await state()).toMatchObject({ activeVersion: '1.0.0' });
  });

  test('has a canary with a share, and ends it', async () => {
    const canary = { version: '1.1.0', share: 0.1 };
    for (let press = 0; press < 2; press++) await setCanary(em(), { name, canary, by, reason });
    expect(await state()).toMatchObject({ canaryVersion: '1.1.0', canaryShare: 0.1, activeVersion: '1.0.0' });
    await setCanary(em(), { name, canary: null, by });
    expect(await state()).toMatchObject({ canaryVersion: null, canaryShare: 0 });
    expect((await changes()).slice(1)).toMatchObject([
      { kind: 'canary', fromVersion: null, toVersion: '1.1.0', share: 0.1, reason, changedBy: by },
      { kind: 'canary', fromVersion: '1.1.0', toVersion: null, share: 0, reason: null, changedBy: by },
    ]);
  });

  test('has a shadow, and ends it', async () => {
    for (let press = 0; press < 2; press++) await setShadow(em(), { name, version: '1.1.0', by });
    expect(await state()).toMatchObject({ shadowVersion: '1.1.0', activeVersion: '1.0.0' });
    await setShadow(em(), { name, version: null });
    expect(await state()).toMatchObject({ shadowVersion: null });
    expect((await changes()).slice(1).map(({ kind, toVersion }) => [kind, toVersion])).toEqual([
      ['shadow', '1.1.0'],
      ['shadow', null],
    ]);
  });

  test('ends its canary and its shadow when that version is promoted', async () => {
    await setCanary(em(), { name, canary: { version: '1.1.0', share: 0.5 } });
    await setShadow(em(), { name, version: '1.1.0' });
    await promote(em(), { name, version: '1.1.0' });
    const after = { activeVersion: '1.1.0', canaryVersion: null, canaryShare: 0, shadowVersion: null };
    expect(await state()).toMatchObject(after);
  });

  test('takes neither an unknown nor the active version for canary or shadow', async () => {
    for (const [version, why] of [
      ['9.9.9', `is not a registered version of ${name}`],
      ['1.0.0', 'is the active version already'],
    ] as const) {
      await expect(setCanary(em(), { name, canary: { version, share: 0.5 } })).rejects.toThrow(why);
      await expect(setShadow(em(), { name, version })).rejects.toThrow(why);
    }
  });

  test('is changed by two operators one after the other, and both changes stand in its record', async () => {
    await Promise.all([promote(em(), { name, version: '1.1.0' }), promote(em(), { name, version: '1.2.0' })]);
    const [, second, third] = await changes();
    expect(third?.fromVersion).toBe(second?.toVersion);
    expect((await state())?.activeVersion).toBe(third?.toVersion);
  });

  test('keeps where its artefacts lie and their checksums from the gateway (I5)', async () => {
    const gateway = () => database.asUser(randomUUID());
    expect((await listVersions(gateway(), name)).map(({ version }) => version)).toHaveLength(3);
    await expect(findVersion(gateway(), { name, version: '1.0.0' })).rejects.toThrow(/permission denied/);
    await expect(promote(gateway(), { name, version: '1.1.0' })).rejects.toThrow(/permission denied/);
  });

  test('adds up how its shadow compared, by the version that answered', async () => {
    const pair = { name, version: '1.0.0', shadowVersion: '1.1.0' };
    const resultType = 'dowsing.answer';
    await addComparisons(em(), pair, [{ resultType, agreed: true, confidenceDifference: 0.25 }]);
    await addComparisons(em(), pair, [{ resultType, agreed: false, confidenceDifference: 0.5 }]);
    expect(await listComparisons(em(), name, '1.1.0')).toMatchObject([
      { version: '1.0.0', resultType, sessions: 2, agreed: 1, confidenceDifference: 0.75 },
    ]);
    await em().nativeDelete(ModelComparison, { name });
  });
});
