import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type CryptoKey, type JWK } from 'jose';
import { JOSEError } from 'jose/errors';
import { z } from 'zod';
import { ApiError } from '../../domain/errors.ts';
import { permissions, permissionsOf, tiers, type Role, type Tier } from '../../domain/tiers.ts';
import { accessTokenLifetimeMs } from '../../domain/logins.ts';
import { secondMs } from '../../domain/time.ts';
import type { Caller } from './caller.ts';

/** A private RSA key as a JWK with its `kid`. */
export type SigningKey = JWK & { kty: 'RSA'; kid: string; d: string };

export interface AccessTokens {
  readonly lifetimeSeconds: number;
  /** @param loginId names the log-in that the token belongs to: the family of its refresh token */
  issue(user: { id: string; tier: Tier; role: Role }, loginId: string): Promise<string>;
  /** @throws ApiError `unauthenticated`, for every reason alike. */
  verify(token: string): Promise<Caller>;
  /** The public halves of the keys, as served at `/.well-known/jwks.json`. */
  readonly jwks: { keys: JWK[] };
}

const algorithm = 'RS256';
const issuer = 'mindpeeker-auth';
const audience = 'mindpeeker-api';
const lifetimeSeconds = accessTokenLifetimeMs / secondMs;

const claimsSchema = z.object({
  sub: z.uuid(),
  sid: z.uuid(),
  exp: z.number(),
  tier: z.enum(tiers),
  permissions: z.array(z.string()),
});

/** Makes and checks access tokens (G5). The first key signs and all verify, so that keys can be changed over. */
export async function createAccessTokens(keys: readonly SigningKey[]): Promise<AccessTokens> {
  const [current] = keys;
  if (current === undefined) throw new Error('There is no key to sign access tokens with.');
  const signingKey = await importSigningKey(current);
  const jwks = { keys: keys.map((key) => publicHalf(key)) };
  const keyOfToken = createLocalJWKSet(jwks);

  return {
    lifetimeSeconds,
    jwks,
    issue: ({ id, tier, role }, loginId) =>
      new SignJWT({ tier, permissions: permissionsOf({ tier, role }), sid: loginId })
        .setProtectedHeader({ alg: algorithm, kid: current.kid, typ: 'JWT' })
        .setSubject(id)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${lifetimeSeconds} seconds`)
        .setJti(randomUUID())
        .sign(signingKey),
    async verify(token) {
      try {
        const { payload } = await jwtVerify(
          token,
          (header, jws) => {
            if (header.kid === undefined) throw new ApiError('unauthenticated');
            return keyOfToken(header, jws);
          },
          { algorithms: [algorithm], issuer, audience, requiredClaims: ['sub', 'iat', 'exp', 'jti'] },
        );
        return toCaller(claimsSchema.parse(payload));
      } catch (error) {
        if (error instanceof JOSEError || error instanceof z.ZodError) {
          throw new ApiError('unauthenticated', [], { cause: error });
        }
        throw error;
      }
    },
  };
}

/** Names each member that may be seen, so that a private one cannot slip through. */
function publicHalf({ kty, n, e, kid }: SigningKey): JWK {
  return { kty, kid, alg: algorithm, use: 'sig', ...(n === undefined ? {} : { n }), ...(e === undefined ? {} : { e }) };
}

async function importSigningKey(key: SigningKey): Promise<CryptoKey> {
  const imported = await importJWK(key, algorithm);
  if (imported instanceof Uint8Array) throw new Error(`The signing key ${key.kid} is no RSA key.`);
  return imported;
}

function toCaller({ sub, sid, exp, tier, permissions: claimed }: z.output<typeof claimsSchema>): Caller {
  return {
    userId: sub,
    tier,
    permissions: permissions.filter((permission) => claimed.includes(permission)),
    credential: { kind: 'access_token', loginId: sid },
    expiresAtMs: exp * secondMs,
  };
}
