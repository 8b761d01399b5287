import { createHmac, hkdfSync } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { JOSEError } from 'jose/errors';
import { z } from 'zod';
import { decodingLifetimeMs } from '../domain/operations.ts';
import { secondFactorLifetimeMs } from '../domain/secondFactors.ts';
import { dayMs, hourMs, secondMs } from '../domain/time.ts';

/**
 * What a token is for, with how long it works: two stand in links in mails, one leads from the password to the second
 * factor, and one stands in the cookie of an operator's browser.
 */
const lifetimesMs = {
  confirm_email: 3 * dayMs,
  reset_password: hourMs,
  second_factor: secondFactorLifetimeMs,
  decode_payloads: decodingLifetimeMs,
} as const;
type TokenPurpose = keyof typeof lifetimesMs;
export type LinkPurpose = Exclude<TokenPurpose, 'second_factor' | 'decode_payloads'>;

/** Whose a token is, and what it is about. */
interface TokenTerms {
  userId: string;
  about: string;
}

/**
 * Links in mails: signed, each for one purpose, for a while. They are signed by a key of their own, with an algorithm of
 * their own, so that none could ever pass for an access token. What a link is about (an e-mail, the password it
 * replaces) is in it as a keyed hash: once that has changed, the link is void, which makes a reset good once.
 */
export interface Links {
  /** The path and fragment; what stands in a fragment reaches no server's log. */
  pathOf(purpose: LinkPurpose, terms: TokenTerms): Promise<string>;
  /** The token alone. */
  tokenOf(purpose: TokenPurpose, terms: TokenTerms): Promise<string>;
  /** Whose link this is, and whether it is about this; null when it is none, has ended, or is for another purpose. */
  read(purpose: TokenPurpose, token: string): Promise<{ userId: string; isAbout: (about: string) => boolean } | null>;
  /** A keyed hash, by which something can be told again that must not be kept itself. */
  hashOf(text: string): string;
}

const algorithm = 'HS256';
const issuer = 'mindpeeker-auth';
const audience = 'mindpeeker-links';
const pages: Record<LinkPurpose, string> = { confirm_email: '/account/confirm', reset_password: '/account/reset' };

const claimsSchema = z.object({ sub: z.uuid(), purpose: z.string(), about: z.string() });

/** @param secret what the keys of links and hashes are derived from */
export function createLinks(secret: string, nowMs: () => number = Date.now): Links {
  const keyFor = (use: string) => Buffer.from(hkdfSync('sha256', secret, '', use, 32));
  const signingKey = keyFor('mindpeeker links');
  const hashingKey = keyFor('mindpeeker link hashes');
  const hashOf = (text: string) => createHmac('sha256', hashingKey).update(text).digest('base64url');

  function tokenOf(purpose: TokenPurpose, { userId, about }: TokenTerms): Promise<string> {
    const issuedAt = Math.floor(nowMs() / secondMs);
    return new SignJWT({ purpose, about: hashOf(about) })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimesMs[purpose] / secondMs)
      .sign(signingKey);
  }

  return {
    hashOf,
    tokenOf,
    pathOf: async (purpose, terms) => `${pages[purpose]}#${await tokenOf(purpose, terms)}`,
    async read(purpose, token) {
      try {
        const { payload } = await jwtVerify(token, signingKey, {
          algorithms: [algorithm],
          issuer,
          audience,
          requiredClaims: ['sub', 'exp'],
          currentDate: new Date(nowMs()),
        });
        const claims = claimsSchema.parse(payload);
        if (claims.purpose !== purpose) return null;
        return { userId: claims.sub, isAbout: (about) => hashOf(about) === claims.about };
      } catch (error) {
        if (error instanceof JOSEError || error instanceof z.ZodError) return null;
        throw error;
      }
    },
  };
}
