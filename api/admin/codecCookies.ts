import { ApiError } from '../../domain/errors.ts';
import { decodingLifetimeMs } from '../../domain/operations.ts';
import { permissionsOf } from '../../domain/tiers.ts';
import { secondMs } from '../../domain/time.ts';
import { loginIdOf } from '../auth/loginOf.ts';
import { createStandings } from '../auth/standing.ts';
import type { Caller } from '../auth/caller.ts';
import type { ApiDeps } from '../deps.ts';
import type { CookieCheck } from '../route.ts';

/**
 * How an operator's browser is let in to read payloads in the Temporal Web UI, which can send a cookie and no token of
 * ours. The cookie opens this one thing, is out of reach for scripts, and goes out to requests from our own site alone;
 * of those, the ones of the Web UI's address are taken. It ends in an hour, and with the log-in that it was made by.
 */
export interface CodecCookies {
  /** The value of `Set-Cookie`. @throws ApiError `forbidden` for an API key */
  make(caller: Caller): Promise<string>;
  identify: CookieCheck;
}

export const codecPath = '/v1/admin/codec';
const cookieName = 'mindpeeker_codec';

type CookieDeps = Pick<ApiDeps, 'cache' | 'database' | 'links' | 'publicUrl' | 'systemConfig' | 'temporalUiUrl'>;

/** The cookie by which an operator’s browser has payloads opened for the Web UI, good for that route alone. */
export function createCodecCookies(deps: CookieDeps): CodecCookies {
  const { links, systemConfig } = deps;
  const standings = createStandings(deps);
  const webUi = webUiOrigin(deps);
  const isSecure = deps.publicUrl.startsWith('https:');

  return {
    async make(caller) {
      const loginId = loginIdOf(caller);
      const token = await links.tokenOf('decode_payloads', { userId: caller.userId, about: loginId });
      return [
        `${cookieName}=${loginId}.${token}`,
        `Path=${codecPath}`,
        `Max-Age=${decodingLifetimeMs / secondMs}`,
        ...['HttpOnly', 'SameSite=Strict', ...(isSecure ? ['Secure'] : [])],
      ].join('; ');
    },

    async identify({ cookie, origin }) {
      const [, loginId, token] = shownPattern.exec(cookie ?? '') ?? [];
      if (loginId === undefined || token === undefined || origin !== webUi) throw new ApiError('unauthenticated');
      const opened = await links.read('decode_payloads', token);
      if (opened === null || !opened.isAbout(loginId)) throw new ApiError('unauthenticated');
      const standing = await standings.of(opened.userId);
      if (standing === null) throw new ApiError('unauthenticated');
      const { tiers } = await systemConfig.current();
      return {
        userId: opened.userId,
        tier: standing.tier,
        permissions: permissionsOf(standing, tiers),
        credential: { kind: 'access_token', loginId },
        expiresAtMs: Date.now() + decodingLifetimeMs,
      };
    },
  };
}

const shownPattern = new RegExp(`(?:^|; ?)${cookieName}=([0-9a-f-]{36})\\.([\\w.-]+)(?:;|$)`);

/** Where the Temporal Web UI is, as its pages say it of themselves; null where none is known. */
export function webUiOrigin({ temporalUiUrl }: Pick<ApiDeps, 'temporalUiUrl'>): string | null {
  return temporalUiUrl === undefined ? null : new URL(temporalUiUrl).origin;
}
