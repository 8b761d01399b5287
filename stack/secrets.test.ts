import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { importJWK, SignJWT } from 'jose';
import { loadSecrets } from './secrets.mjs';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mindpeeker-secrets-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

describe('The secrets of a local stack', () => {
  test('are made once and are the same ever after', () => {
    expect(loadSecrets(home)).toEqual(loadSecrets(home));
  });

  test('can be read by their owner alone', () => {
    loadSecrets(home);
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  test('hold a key that signs with RS256 (G5)', async () => {
    const keys: unknown = JSON.parse(loadSecrets(home).jwtSigningKeys);
    expect(keys).toEqual([expect.objectContaining({ kty: 'RSA', alg: 'RS256', use: 'sig', kid: expect.any(String) })]);
    const [jwk] = keys as [Parameters<typeof importJWK>[0]];
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'RS256' }).sign(await importJWK(jwk, 'RS256'));
    expect(token.split('.')).toHaveLength(3);
  });

  test('hold master keys and an idempotency secret of 256 bits', () => {
    const { contentMasterKeys, temporalPayloadKeys, idempotencySecret } = loadSecrets(home);
    for (const keys of [contentMasterKeys, temporalPayloadKeys]) {
      const [, key = ''] = keys.split(':');
      expect(Buffer.from(key, 'base64')).toHaveLength(32);
    }
    expect(Buffer.from(idempotencySecret, 'base64')).toHaveLength(32);
  });

  test('of an older version are kept, and completed once', () => {
    const { temporalPayloadKeys, ...older } = loadSecrets(home);
    writeFileSync(join(home, 'secrets.json'), JSON.stringify(older));
    const completed = loadSecrets(home);
    expect(completed).toEqual({ ...older, temporalPayloadKeys: completed.temporalPayloadKeys });
    expect(completed.temporalPayloadKeys).not.toBe(temporalPayloadKeys);
    expect(JSON.parse(readFileSync(join(home, 'secrets.json'), 'utf8'))).toEqual(completed);
    expect(loadSecrets(home)).toEqual(completed);
  });

  test('are not made anew beside data that only the old ones open', () => {
    mkdirSync(join(home, 'redis'));
    expect(() => loadSecrets(home)).toThrow('can be opened with nothing else');
  });
});
