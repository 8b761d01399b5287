import type { Database } from '../../db/database.ts';
import { findShared } from '../../db/sessionShares.ts';
import { ApiError } from '../../domain/errors.ts';
import type { Tier } from '../../domain/tiers.ts';
import { dayMs } from '../../domain/time.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import { createAuthenticator, requireLogin } from '../auth/authenticate.ts';
import { requirePermission, type Caller } from '../auth/caller.ts';
import { secretHash } from '../auth/secrets.ts';
import { authenticateSchema } from './messages.ts';

/** Who follows live: somebody for their account, or anybody by the link to one session. */
export type Follower = CallerFollower | ShareFollower;

interface Shown {
  /** Of the log-in, the API key or the link that was shown: when that ends, so does the connection. */
  credentialId: string;
  /** When it ends by itself or has to be shown again, in milliseconds since 1970. */
  expiresAtMs: number;
  /** Whose connections are counted together: an account's, or those by one link, so that these never keep its owner out. */
  countedFor: string;
  /** How many of those this gateway holds at once. */
  mostConnections: number;
}

interface CallerFollower extends Shown {
  by: 'login' | 'key';
  caller: Caller;
}

interface ShareFollower extends Shown {
  by: 'share';
  sessionId: string;
  /** Who shared it. */
  userId: string;
}

export interface SignInDeps extends CredentialDeps {
  database: Database;
  revocations: Revocations;
}

export type CredentialDeps = Parameters<typeof createAuthenticator>[0];

/** Lets in who shows something that is good. @throws ApiError `unauthenticated`, `forbidden`, for every malformed request alike */
export type SignIn = (request: unknown) => Promise<Follower>;

/** A link may be good for a year; no timer runs as long, and nobody needs a connection that does. */
const longestByShareMs = dayMs;

/** Asks PostgreSQL for API keys and links each time, and trusts an access token until it ends. */
export function createSignIn(deps: SignInDeps): SignIn {
  const authenticator = createAuthenticator(deps);

  async function byCredential(credential: { accessToken: string } | { apiKey: string }): Promise<CallerFollower> {
    const caller = await authenticator.identify(credential);
    await requireLogin(deps.revocations, caller);
    requirePermission(caller, 'session:read');
    const terms = {
      caller,
      expiresAtMs: caller.expiresAtMs,
      countedFor: caller.userId,
      mostConnections: await mostConnectionsOf(caller.tier),
    };
    switch (caller.credential.kind) {
      case 'access_token':
        return { by: 'login', credentialId: caller.credential.loginId, ...terms };
      case 'api_key':
        return { by: 'key', credentialId: caller.credential.keyId, ...terms };
    }
  }

  async function byShare(token: string): Promise<ShareFollower> {
    const shared = await findShared(deps.database.asService(), secretHash(token));
    if (shared === null) throw new ApiError('unauthenticated');
    const { id: credentialId, sessionId, userId, tier, expiresAt } = shared;
    const expiresAtMs = Math.min(Date.now() + longestByShareMs, Date.parse(expiresAt));
    const places = { countedFor: credentialId, mostConnections: await mostConnectionsOf(tier) };
    return { by: 'share', credentialId, expiresAtMs, ...places, sessionId, userId };
  }

  async function mostConnectionsOf(tier: Tier): Promise<number> {
    return (await deps.systemConfig.current()).tiers[tier].liveConnections;
  }

  return async (request) => {
    const { data: shown } = authenticateSchema.safeParse(request);
    if (shown === undefined) throw new ApiError('unauthenticated');
    if ('share' in shown) return byShare(shown.share);
    return byCredential('token' in shown ? { accessToken: shown.token } : { apiKey: shown.apiKey });
  };
}

/** Whether both may follow the same, so that one can take the other's place. */
export function areAlike(one: Follower, other: Follower): boolean {
  if (one.by === 'share') return other.by === 'share' && one.sessionId === other.sessionId;
  return other.by !== 'share' && one.caller.userId === other.caller.userId;
}
