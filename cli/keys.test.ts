import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { createAccessTokens } from '../api/auth/accessTokens.ts';
import { readConfig } from '../config.ts';
import { parseSigningKeys, type SigningKeys } from './signingKeys.ts';

const script = fileURLToPath(new URL('keys.ts', import.meta.url));

function run(keys: SigningKeys, ...given: string[]) {
  const env = { ...process.env, JWT_SIGNING_KEYS: JSON.stringify(keys) };
  return spawnSync(process.execPath, [script, ...given], { encoding: 'utf8', env });
}
const changed = (keys: SigningKeys, ...given: string[]) => parseSigningKeys(run(keys, ...given).stdout);

/** The gateway after a restart with these keys. */
const gateway = (keys: SigningKeys) => createAccessTokens(keys);
const user = { id: randomUUID(), tier: 'basic', role: 'user' } as const;

test('keys are changed over without logging anybody out (G5)', async () => {
  const first = readConfig().JWT_SIGNING_KEYS;
  const old = await (await gateway(first)).issue(user, randomUUID());

  const added = changed(first, 'add');
  const kid = added.at(-1)?.kid ?? '';
  const during = await gateway(added);
  expect(added[0]?.kid).toBe(first[0]?.kid);
  await expect(during.verify(old)).resolves.toMatchObject({ userId: user.id });

  const activated = changed(added, 'activate', kid);
  const after = await gateway(activated);
  const fresh = await after.issue(user, randomUUID());
  expect(activated[0]?.kid).toBe(kid);
  await expect(after.verify(old)).resolves.toMatchObject({ userId: user.id });
  // A gateway that has not been started again since the key was added knows the new tokens too.
  await expect(during.verify(fresh)).resolves.toMatchObject({ userId: user.id });

  const retired = changed(activated, 'retire', first[0]?.kid ?? '');
  const end = await gateway(retired);
  await expect(end.verify(fresh)).resolves.toMatchObject({ userId: user.id });
  await expect(end.verify(old)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('what would log people out is refused, and nothing is printed that opens doors', () => {
  const keys = readConfig().JWT_SIGNING_KEYS;
  const [key] = keys;
  for (const [given, said] of [
    [['retire', key?.kid ?? ''], 'activate another key first'],
    [['activate', 'unknown'], 'There is no key unknown'],
    [['rotate'], 'list | add | activate'],
  ] as const) {
    expect(run(keys, ...given)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining(said) });
  }
  const list = run(keys, 'list');
  expect(list.stderr).toContain(key?.kid);
  expect(list.stdout + list.stderr).not.toContain(key?.d);
});
