import { ApiError } from '../../domain/errors.ts';
import type { Caller } from './caller.ts';

/** The log-in of a caller. @throws ApiError `forbidden` for an API key, which may not touch the account it belongs to */
export function loginIdOf({ credential }: Caller): string {
  if (credential.kind === 'access_token') return credential.loginId;
  throw new ApiError('forbidden', [{ path: 'credential', message: 'needs an access token' }]);
}
