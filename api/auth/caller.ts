import { ApiError } from '../../domain/errors.ts';
import type { Permission, Tier } from '../../domain/tiers.ts';

/** Who calls, as a credential that was checked says. */
export interface Caller {
  userId: string;
  tier: Tier;
  permissions: readonly Permission[];
  /** What the caller showed. */
  credential: Credential;
  /** When the credential ends, in milliseconds since 1970. */
  expiresAtMs: number;
}

/** An access token belongs to one log-in: the family of refresh tokens that it was issued with. */
export type Credential = { kind: 'access_token'; loginId: string } | { kind: 'api_key'; keyId: string };

/** @throws ApiError `forbidden`, naming the permission that is missing */
export function requirePermission(caller: Caller, permission: Permission | undefined): void {
  if (permission === undefined || caller.permissions.includes(permission)) return;
  throw new ApiError('forbidden', [{ path: 'permission', message: `needs ${permission}` }]);
}
