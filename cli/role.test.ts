import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { createStandings } from '../api/auth/standing.ts';
import { readConfig } from '../config.ts';
import { roleOf, standingOf } from '../db/roles.ts';
import { openResources } from '../resources.ts';
import { newUser, openTestDatabase } from '../tests/database.ts';

const database = openTestDatabase();
afterAll(() => database.close());

const script = fileURLToPath(new URL('role.ts', import.meta.url));
const tierScript = fileURLToPath(new URL('tier.ts', import.meta.url));
const run = (...given: string[]) => spawnSync(process.execPath, [script, ...given], { encoding: 'utf8' });

test('npm run role grants a role and takes it back, and says so', async () => {
  const { id, email } = await newUser(database);
  const role = () => roleOf(database.asService(), id);
  expect(run(email, 'operator').stdout).toContain(`${email} is operator`);
  expect(await role()).toBe('operator');
  run(email, 'user');
  expect(await role()).toBe('user');
});

test('npm run role says what is wrong, and changes nothing, for an unknown account or role', async () => {
  const { id, email } = await newUser(database);
  for (const [given, said] of [
    [['nobody@example.com', 'operator'], 'There is no account with the e-mail nobody@example.com'],
    [[email, 'king'], '<user | operator | admin>'],
  ] as const) {
    expect(run(...given)).toMatchObject({ status: 1, stderr: expect.stringContaining(said) });
  }
  expect(await roleOf(database.asService(), id)).toBe('user');
});

test('npm run tier changes what an account may, for whoever calls by a key of it at once (G5)', async () => {
  const resources = openResources({ ...readConfig(), LOG_LEVEL: 'silent' }, 'test');
  const { id, email } = await newUser(database);
  // It is remembered for half an hour.
  const standing = () => createStandings(resources).of(id);
  expect(await standing()).toEqual({ tier: 'basic', role: 'user' });
  for (const tier of ['enterprise', 'professional', 'basic'] as const) {
    const { stdout } = spawnSync(process.execPath, [tierScript, email, tier], { encoding: 'utf8' });
    expect(stdout).toContain(`${email} is ${tier}`);
    expect(await standing()).toEqual({ tier, role: 'user' });
    expect(await standingOf(database.asService(), id)).toEqual({ tier, role: 'user' });
  }
  await resources.close();
});
