import { ApiError } from '../../domain/errors.ts';
import { createAccounts, type AccountDeps } from '../accounts/accounts.ts';
import type { ApiDeps } from '../deps.ts';
import { publicRoute, type Route } from '../route.ts';
import { agentHeadersSchema, agentOf } from './agent.ts';
import { createPasskeys } from './passkeys.ts';
import { passkeyLoginSchema, passkeyRequestSchema, signedInSchema } from './schemas.ts';
import { createSigningIn } from './signingIn.ts';

/** Signing in by a passkey (G5). */
export function passkeyLoginRoutes(deps: AccountDeps & Pick<ApiDeps, 'passkeyChallenges' | 'publicUrl'>): Route[] {
  const accounts = createAccounts(deps);
  const passkeys = createPasskeys(deps);
  const signIn = createSigningIn(deps);

  return [
    publicRoute({
      method: 'post',
      path: '/v1/auth/passkey/options',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Begin to sign in by a passkey',
      description:
        'Hand the answer to `PublicKeyCredential.parseRequestOptionsFromJSON` and then to `navigator.credentials.get`. Its challenge is good once, for five minutes.',
      request: {},
      message: 'Ask for the passkey.',
      data: passkeyRequestSchema,
      errors: ['temporarily_unavailable'],
      handle: async () => ({ ...(await passkeys.loginOptions()) }),
    }),

    publicRoute({
      method: 'post',
      path: '/v1/auth/passkey/verify',
      tag: 'Accounts',
      rateClass: 'auth',
      summary: 'Sign in by what the passkey answered',
      description: 'A passkey is two factors by itself: no code is asked for beside it.',
      request: { headers: agentHeadersSchema, body: passkeyLoginSchema },
      message: 'Signed in.',
      data: signedInSchema,
      errors: ['passkey_refused', 'temporarily_unavailable'],
      handle: async ({ headers, body }, { note }) => {
        const userId = await passkeys.ownerOf(body.credential);
        note({ user_id: userId });
        const signedIn = await signIn(await accounts.load(userId), { by: 'passkey', agent: agentOf(headers) });
        if (signedIn === null) throw new ApiError('passkey_refused');
        return signedIn;
      },
    }),
  ];
}
