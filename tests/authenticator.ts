import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';

/** What a browser hands a passkey, as far as it is needed here. */
export interface Asked {
  challenge: string;
  rpId: string;
  origin: string;
}

export interface Passkey {
  id: string;
  privateKey: KeyObject;
  userHandle: string;
  counter: number;
}

interface Flags {
  userVerified?: boolean;
}

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest();
const base64url = (data: Uint8Array | string) => Buffer.from(data).toString('base64url');

function clientDataOf(type: 'webauthn.create' | 'webauthn.get', { challenge, origin }: Asked): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

/** The flags of WebAuthn, 6.1: user present, user verified, attested credential data. */
const present = 0x01;
const verified = 0x04;
const attested = 0x40;

function authenticatorData(asked: Asked, flags: number, counter: number, attestedData = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(counter, 1);
  return Buffer.concat([sha256(asked.rpId), head, attestedData]);
}

/** A device in software that makes passkeys and really signs (ES256), and the browser in front of it. */
export function makePasskey(asked: Asked, userHandle: string, { userVerified = true }: Flags = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const id = randomBytes(32);
  // COSE (RFC 9053): key type 2 (two coordinates), algorithm -7 (ES256), curve 1 (P-256).
  const coseKey = isoCBOR.encode(
    new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, new Uint8Array(Buffer.from(x, 'base64url'))],
      [-3, new Uint8Array(Buffer.from(y, 'base64url'))],
    ]),
  );
  const idLength = Buffer.alloc(2);
  idLength.writeUInt16BE(id.byteLength);
  const attestedData = Buffer.concat([Buffer.alloc(16), idLength, id, coseKey]);
  const authData = authenticatorData(asked, present | (userVerified ? verified : 0) | attested, 0, attestedData);
  const attestationObject = isoCBOR.encode(
    new Map<string, string | Uint8Array | Map<string, never>>([
      ['fmt', 'none'],
      ['attStmt', new Map<string, never>()],
      ['authData', new Uint8Array(authData)],
    ]),
  );
  const passkey: Passkey = { id: base64url(id), privateKey, userHandle, counter: 0 };
  const credential = {
    id: passkey.id,
    rawId: passkey.id,
    type: 'public-key',
    // A browser says more than is read.
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response: {
      clientDataJSON: base64url(clientDataOf('webauthn.create', asked)),
      attestationObject: base64url(attestationObject),
      transports: ['internal'],
    },
  };
  return { passkey, credential };
}

/** Signs a challenge, and counts that it did. */
export function signWith(passkey: Passkey, asked: Asked, { userVerified = true }: Flags = {}) {
  passkey.counter += 1;
  const authData = authenticatorData(asked, present | (userVerified ? verified : 0), passkey.counter);
  const clientData = clientDataOf('webauthn.get', asked);
  const signature = sign('sha256', Buffer.concat([authData, sha256(clientData)]), passkey.privateKey);
  return {
    id: passkey.id,
    rawId: passkey.id,
    type: 'public-key',
    response: {
      clientDataJSON: base64url(clientData),
      authenticatorData: base64url(authData),
      signature: base64url(signature),
      userHandle: passkey.userHandle,
    },
  };
}
