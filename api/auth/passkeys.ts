import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { v7 as newUuid } from 'uuid';
import type { z } from 'zod';
import type { Account } from '../../db/accounts.ts';
import { findPasskeyByCredential, insertPasskey, listPasskeys, usePasskey, type Passkey } from '../../db/passkeys.ts';
import { ApiError } from '../../domain/errors.ts';
import { passkeyChallengeLifetimeMs } from '../../domain/secondFactors.ts';
import type { ChallengeState, PasskeyRequest } from '../../integrations/passkeyChallenges.ts';
import type { ApiDeps } from '../deps.ts';
import type { newCredentialSchema, signedCredentialSchema } from './schemas.ts';

/**
 * Passkeys (WebAuthn, level 3). The device must check who uses it, so a passkey is two factors by itself: what its owner
 * has, and a finger, a face or a PIN. It names its owner, so nobody types an e-mail, and nothing can be asked about one.
 */
export function createPasskeys({
  database,
  notices,
  passkeyChallenges,
  publicUrl,
}: Pick<ApiDeps, 'database' | 'notices' | 'passkeyChallenges' | 'publicUrl'>) {
  const { hostname: rpID, origin: expectedOrigin } = new URL(publicUrl);

  /** What both verifications ask for. */
  const expected = (request: PasskeyRequest) => ({
    expectedOrigin,
    expectedRPID: rpID,
    requireUserVerification: true,
    expectedChallenge: async (challenge: string) => isKnown(await passkeyChallenges.take(request, challenge)),
  });

  return {
    async registrationOptions({ id, email, username }: Account): Promise<PublicKeyCredentialCreationOptionsJSON> {
      const own = await listPasskeys(database.asUser(id));
      const options = await generateRegistrationOptions({
        rpName: 'MindPeeker',
        rpID,
        userID: handleOf(id),
        userName: email,
        userDisplayName: username,
        timeout: passkeyChallengeLifetimeMs,
        attestationType: 'none',
        excludeCredentials: own.map(({ credentialId, transports }) => ({
          id: credentialId,
          transports: [...transports],
        })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      });
      isKnown(await passkeyChallenges.keep({ kind: 'registration', userId: id }, options.challenge));
      return options;
    },

    /** @throws ApiError `passkey_refused`, `passkey_taken`, `too_many_passkeys` */
    async register(
      userId: string,
      label: string,
      { response, ...credential }: z.output<typeof newCredentialSchema>,
    ): Promise<Passkey> {
      const { registrationInfo } = await orRefused(() =>
        verifyRegistrationResponse({
          ...expected({ kind: 'registration', userId }),
          response: { ...credential, response, clientExtensionResults: {} },
        }),
      );
      if (registrationInfo === undefined) throw new ApiError('passkey_refused');
      const { id: credentialId, publicKey, counter, transports = [] } = registrationInfo.credential;
      return notices.changeAccess(database.asUser(userId), userId, async (em, tell) => {
        const added = await insertPasskey(em, {
          id: newUuid(),
          user: userId,
          credentialId,
          publicKey: Buffer.from(publicKey).toString('base64url'),
          counter,
          transports,
          backedUp: registrationInfo.credentialBackedUp,
          label,
        });
        if (typeof added === 'string') throw new ApiError(added);
        await tell('passkey_added');
        return added;
      });
    },

    async loginOptions(): Promise<PublicKeyCredentialRequestOptionsJSON> {
      const options = await generateAuthenticationOptions({
        rpID,
        timeout: passkeyChallengeLifetimeMs,
        userVerification: 'required',
      });
      isKnown(await passkeyChallenges.keep({ kind: 'login' }, options.challenge));
      return options;
    },

    /** Whose passkey has signed the challenge. @throws ApiError `passkey_refused` */
    async ownerOf(credential: z.output<typeof signedCredentialSchema>): Promise<string> {
      const em = database.asService();
      const passkey = await findPasskeyByCredential(em, credential.id);
      if (passkey === null || credential.response.userHandle !== handleOf(passkey.user).toString('base64url')) {
        throw new ApiError('passkey_refused');
      }
      const { verified, authenticationInfo } = await orRefused(() =>
        verifyAuthenticationResponse({
          ...expected({ kind: 'login' }),
          response: { ...credential, clientExtensionResults: {} },
          credential: {
            id: passkey.credentialId,
            publicKey: Buffer.from(passkey.publicKey, 'base64url'),
            counter: passkey.counter,
          },
        }),
      );
      const { newCounter: counter, credentialBackedUp: backedUp } = authenticationInfo;
      if (!verified || !(await usePasskey(em, { id: passkey.id, counter, backedUp }))) {
        throw new ApiError('passkey_refused');
      }
      return passkey.user;
    },
  };
}

/** Passkeys are good at nothing without their challenges, so they wait for Redis. @throws ApiError `temporarily_unavailable` */
function isKnown(state: ChallengeState): boolean {
  if (state === 'unavailable') throw new ApiError('temporarily_unavailable');
  return state === 'known';
}

/** The library throws at whatever is wrong with an answer, down to its encoding; the client is told no more than that. */
async function orRefused<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('passkey_refused', [], { cause: error });
  }
}

/** What a passkey knows its owner by: the bytes of the account's id, which say nothing of the person. */
function handleOf(userId: string): Buffer<ArrayBuffer> {
  return Buffer.from(userId.replaceAll('-', ''), 'hex');
}
