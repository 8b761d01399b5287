import { ApiError } from '../../domain/errors.ts';
import type { Permission, Tier } from '../../domain/tiers.ts';

/** Who calls, as a credential that was checked says. */
export interface Caller {
  userId: string;
  tier: Tier;
  permissions: readonly Permission[];
  /** What the caller showed. */
  credential: Credential;
  /** When the credential ends or has to be checked again, in milliseconds since 1970. */
  expiresAtMs: number;
}

/** An access token belongs to one log-in: the family of refresh tokens that it was issued with. */
export type Credential = { kind: 'access_token'; loginId: string } | { kind: 'api_key'; keyId: string };

/**
 * What is for the person alone names no permission, so no API key can be made for it.
 *
 * @throws ApiError `forbidden`, naming what is missing
 */
export function requirePermission(caller: Caller, permission: Permission | undefined): void {
  if (permission === undefined) {
    if (caller.credential.kind === 'access_token') return;
    throw new ApiError('forbidden', [{ path: 'X-API-Key', message: 'is not enough here; log in instead' }]);
  }
  if (caller.permissions.includes(permission)) return;
  throw new ApiError('forbidden', [{ path: 'permission', message: `needs ${permission}` }]);
}
