import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { exportJWK } from 'jose';
import { ApiError } from '../../domain/errors.ts';
import { permissionsOf } from '../../domain/tiers.ts';
import { alteredToken, confusedToken, goodClaims, signedAs, signedToken, unsignedToken } from '../../tests/tokens.ts';
import { createAccessTokens, type SigningKey } from './accessTokens.ts';

async function newKey(kid: string): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...(await exportJWK(privateKey)), kid } as SigningKey;
}

const key = await newKey('one');
const other = await newKey('two');
const stranger = await newKey('one');
const tokens = await createAccessTokens([key, other]);
const userId = '5f4b7f2e-8c3a-4b57-9a44-0f6f2f2b6f10';
const loginId = '0d2f6c1e-7a3b-4a5e-9d55-6a1a1f1b2c3d';
const claims = goodClaims(userId);

const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));
const good = await signedToken(key, claims);
const nobody = without('sub');
const endless = without('exp');
const refused: [string, string][] = [
  ['that has ended', await signedToken(key, { ...claims, exp: Number(claims.exp) - 901 })],
  ['that never ends', await signedToken(key, endless)],
  ['that names nobody', await signedToken(key, nobody)],
  ['whose subject is no id', await signedToken(key, { ...claims, sub: "' or true" })],
  ['for another audience', await signedToken(key, { ...claims, aud: 'another-api' })],
  ['of another issuer', await signedToken(key, { ...claims, iss: 'another' })],
  ['of an unknown tier', await signedToken(key, { ...claims, tier: 'divine' })],
  ['whose tier was changed', alteredToken(good, { tier: 'enterprise' })],
  ['of a key that names itself like ours', await signedToken(stranger, claims)],
  ['of an unknown key', await signedToken(key, claims, { kid: 'three' })],
  ['without a key id', signedAs(key, { alg: 'RS256' }, claims)],
  ['with alg none', unsignedToken(key, claims)],
  ['with alg None', unsignedToken(key, claims, 'None')],
  ['with alg none and a good signature', signedAs(key, { alg: 'none', kid: 'one' }, claims)],
  ['signed by HS256 with the public key', await confusedToken(key, claims)],
  ['with a key of its own in the header', await signedToken(stranger, claims, { jwk: stranger })],
  [
    'with a critical extension that we do not know',
    signedAs(key, { alg: 'RS256', kid: 'one', crit: ['x'], x: 1 }, claims),
  ],
  ['without a signature', good.slice(0, good.lastIndexOf('.') + 1)],
  ['that is no token', 'not.a.token'],
  ['that is empty', ''],
];
describe('access tokens (G5)', () => {
  test('what is issued verifies, as the caller that it was issued to', async () => {
    const caller = await tokens.verify(await tokens.issue({ id: userId, tier: 'professional', role: 'user' }, loginId));
    expect(caller).toMatchObject({
      userId,
      tier: 'professional',
      permissions: permissionsOf({ tier: 'professional', role: 'user' }),
    });
    expect(caller.expiresAtMs).toBeGreaterThan(Date.now());
  });

  test('are signed by the first key and verified by each, so that keys can be changed over', async () => {
    const before = await createAccessTokens([other]);
    const token = await before.issue({ id: userId, tier: 'basic', role: 'user' }, loginId);
    await expect(tokens.verify(token)).resolves.toMatchObject({ userId });
    expect(tokens.jwks.keys.map(({ kid }) => kid)).toEqual(['one', 'two']);
  });

  test('grant no permission that we do not know', async () => {
    const token = await signedToken(key, { ...claims, permissions: ['session:read', 'everything'] });
    expect((await tokens.verify(token)).permissions).toEqual(['session:read']);
  });

  test.each(refused)('a token %s is refused as unauthenticated', async (_name, token) => {
    const refusal = await tokens.verify(token).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApiError);
    expect((refusal as ApiError).code).toBe('unauthenticated');
  });
});
