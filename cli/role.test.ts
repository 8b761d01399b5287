import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import { roleOf } from '../db/roles.ts';
import { newUser, openTestDatabase } from '../tests/database.ts';

const database = openTestDatabase();
afterAll(() => database.close());

const script = fileURLToPath(new URL('role.ts', import.meta.url));
const run = (...given: string[]) => promisify(execFile)(process.execPath, [script, ...given]);

test('npm run role grants a role and takes it back, and says so', async () => {
  const { id, email } = await newUser(database);
  const role = () => roleOf(database.asService(), id);
  expect((await run(email, 'operator')).stdout).toContain(`${email} is operator`);
  expect(await role()).toBe('operator');
  await run(email, 'user');
  expect(await role()).toBe('user');
});

test('npm run role says what is wrong, and changes nothing, for an unknown account or role', async () => {
  const { id, email } = await newUser(database);
  const refusal = (...given: string[]) =>
    run(...given).then(
      () => 'not refused',
      ({ stderr }: { stderr: string }) => stderr,
    );
  expect(await refusal('nobody@example.com', 'operator')).toContain('no account with the e-mail nobody@example.com');
  expect(await refusal(email, 'king')).toContain('<user | operator | admin>');
  expect(await roleOf(database.asService(), id)).toBe('user');
});
