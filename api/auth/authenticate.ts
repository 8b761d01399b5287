import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { useApiKey } from '../../db/apiKeys.ts';
import type { Database } from '../../db/database.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SystemConfig } from '../../domain/systemConfig.ts';
import { permissionsOf, tierPermissions, type Permission } from '../../domain/tiers.ts';
import { minuteMs } from '../../domain/time.ts';
import type { SessionCache } from '../../integrations/sessionCache.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import type { SystemConfigReader } from '../../integrations/systemConfig.ts';
import type { AccessTokens } from './accessTokens.ts';
import { apiKeyHash } from './apiKeys.ts';
import type { Caller } from './caller.ts';
import { createStandings, type Standings } from './standing.ts';

/** What somebody shows to be let in; one of the two (G2). */
export interface Shown {
  accessToken?: string | undefined;
  apiKey?: string | undefined;
}

export interface Authenticator {
  /** Who calls, with what they may do right now. @throws ApiError `unauthenticated`, `validation_failed` */
  identify(shown: Shown): Promise<Caller>;
}

interface AuthenticatorDeps {
  database: Database;
  cache: SessionCache;
  tokens: AccessTokens;
  systemConfig: SystemConfigReader;
}

/** Verifies an access token once and remembers that until it ends; an API key is looked up each time. */
export function createAuthenticator({ database, cache, tokens, systemConfig }: AuthenticatorDeps): Authenticator {
  const verify = rememberVerified(tokens);
  const standings = createStandings({ database, cache });

  return {
    async identify({ accessToken, apiKey }) {
      if (accessToken !== undefined && apiKey !== undefined) {
        throw new ApiError('validation_failed', [{ path: 'X-API-Key', message: 'cannot come beside Authorization' }]);
      }
      const config = await systemConfig.current();
      if (accessToken !== undefined) return narrowed(await verify(accessToken), config);
      if (apiKey !== undefined) return callerOfKey({ database, standings }, apiKey, config);
      throw new ApiError('unauthenticated');
    },
  };
}

/** What the headers of a request show. What cannot be a credential counts as a wrong one. */
export function shownIn(headers: {
  authorization?: string | undefined;
  'x-api-key'?: string | string[] | undefined;
}): Shown {
  const { authorization, 'x-api-key': apiKey } = headers;
  return {
    accessToken: authorization === undefined ? undefined : (/^Bearer +([\w.-]+)$/i.exec(authorization)?.[1] ?? ''),
    apiKey: Array.isArray(apiKey) ? apiKey.join() : apiKey,
  };
}

/** Tokens whose signature was checked; the least recently used are checked again. */
const maxRemembered = 20_000;

/**
 * A good signature stays good until the token ends, so it is checked once. That a log-in was ended meanwhile is another
 * question, and asked every time. Tokens are remembered by their hash, so that memory holds none.
 */
function rememberVerified(tokens: AccessTokens): (token: string) => Promise<Caller> {
  const verified = new LRUCache<string, Caller>({ max: maxRemembered });
  return async (token) => {
    const name = hash('sha256', token, 'base64');
    const known = verified.get(name);
    if (known !== undefined && known.expiresAtMs > Date.now()) return known;
    const caller = await tokens.verify(token);
    verified.set(name, caller);
    return caller;
  };
}

/** A token says what its account could do when it was issued; what its tier may no longer do is taken off. */
function narrowed(caller: Caller, { tiers }: SystemConfig): Caller {
  const ofTier = tiers[caller.tier].permissions;
  if (tierPermissions.every((permission) => ofTier.includes(permission))) return caller;
  const lost: readonly Permission[] = tierPermissions.filter((permission) => !ofTier.includes(permission));
  return { ...caller, permissions: caller.permissions.filter((permission) => !lost.includes(permission)) };
}

/** How long somebody who came with a key can stay, live for example, until it is looked at again. */
const keyCheckMs = 15 * minuteMs;

/** A key may do what it was made for, as far as its owner may do it now. */
async function callerOfKey(
  { database, standings }: { database: Database; standings: Standings },
  apiKey: string,
  { tiers }: SystemConfig,
): Promise<Caller> {
  const keyHash = apiKeyHash(apiKey);
  const key = keyHash === undefined ? null : await useApiKey(database.asService(), keyHash);
  const standing = key && (await standings.of(key.userId));
  if (key === null || standing === null) throw new ApiError('unauthenticated');
  const allowed = permissionsOf(standing, tiers);
  return {
    userId: key.userId,
    tier: standing.tier,
    permissions: key.permissions.filter((permission) => allowed.includes(permission)),
    credential: { kind: 'api_key', keyId: key.id },
    expiresAtMs: Math.min(Date.now() + keyCheckMs, key.expiresAtMs ?? Infinity),
  };
}

/** An access token outlives its log-in by minutes, so whether that has ended is asked each time. @throws ApiError `unauthenticated` */
export async function requireLogin(revocations: Revocations, { userId, credential }: Caller): Promise<void> {
  if (credential.kind !== 'access_token') return;
  if (await revocations.isRevoked({ userId, loginId: credential.loginId })) throw new ApiError('unauthenticated');
}
