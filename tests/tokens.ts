import { createPublicKey, createSign, randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type JWTPayload } from 'jose';
import type { SigningKey } from '../api/auth/accessTokens.ts';
import { readConfig } from '../config.ts';
import { permissionsOf } from '../domain/tiers.ts';

/** The key that the test stack signs with. */
export function ourSigningKey(): SigningKey {
  const [key] = readConfig().JWT_SIGNING_KEYS;
  if (key === undefined) throw new Error('the test stack has no signing key');
  return key;
}

/** What a good access token says; tests change one thing and expect a refusal. */
export function goodClaims(userId: string): JWTPayload & Record<string, unknown> {
  const now = Math.floor(Date.now() / 1_000);
  return {
    sub: userId,
    sid: randomUUID(),
    iat: now,
    exp: now + 900,
    aud: 'mindpeeker-api',
    iss: 'mindpeeker-auth',
    jti: 'a-test',
    tier: 'basic',
    permissions: permissionsOf({ tier: 'basic', role: 'user' }),
  };
}

/** A token by this key, with any claims and header. */
export async function signedToken(key: SigningKey, claims: JWTPayload, header: object = {}): Promise<string> {
  const signingKey = await importJWK(key, 'RS256');
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header }).sign(signingKey);
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that says it needs no signature. */
export function unsignedToken(key: SigningKey, claims: JWTPayload, alg = 'none'): string {
  return `${part({ alg, kid: key.kid })}.${part(claims)}.`;
}

/** A token signed with HS256, where the secret is the public key that anybody can read. */
export async function confusedToken(key: SigningKey, claims: JWTPayload): Promise<string> {
  const { kty, n = '', e = '' } = key;
  const publicPem = createPublicKey({ key: { kty, n, e }, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: key.kid }).sign(Buffer.from(publicPem));
}

/** A token whose claims were changed after it was signed. */
export function alteredToken(token: string, change: object): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  return `${header}.${part({ ...claims, ...change })}.${signature}`;
}

/** Signs a text as RS256 does, with a header that names another algorithm. */
export function signedAs(key: SigningKey, header: object, claims: JWTPayload): string {
  const text = `${part(header)}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(text).sign({ key, format: 'jwk' }, 'base64url');
  return `${text}.${signature}`;
}
