import { Secret, TOTP } from 'otpauth';
import { encodeQR } from 'qr';
import type { MasterKey } from '../domain/encryption.ts';
import { seal, unseal } from './sealing.ts';

/** What an authenticator app is set up with, and what is kept of it. */
export interface NewTotp {
  /** Base32, for typing it in. */
  secret: string;
  otpauthUrl: string;
  /** The address as an image in SVG, for the camera. */
  qrSvg: string;
  sealed: Uint8Array;
}

/**
 * Codes of an authenticator app (RFC 6238): SHA-1, six digits, steps of thirty seconds, which is all that every app
 * understands. Secrets are whole in their owner's hands and sealed in ours.
 */
export interface Totp {
  make(account: { id: string; email: string }): Promise<NewTotp>;
  /** The step that the code belongs to, the present one or a neighbour; null where it belongs to none of them. */
  stepOf(userId: string, sealed: Uint8Array, code: string): Promise<number | null>;
}

const issuer = 'MindPeeker';
/** RFC 4226 asks for 128 bits at the least and recommends 160. */
const secretBytes = 20;
/** RFC 6238 allows for one step of delay in the network, and clocks of telephones go wrong by less than another. */
const toleratedSteps = 1;

const settings = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** `nowMs` is the clock, given by tests that let time pass. */
export function createTotp(masterKeys: readonly MasterKey[], nowMs: () => number = Date.now): Totp {
  return {
    async make({ id, email }) {
      const secret = new Secret({ size: secretBytes });
      const otpauthUrl = new TOTP({ ...settings, issuer, label: email, secret }).toString();
      const sealed = await seal(secret.bytes, nameOf(id), masterKeys);
      return { secret: secret.base32, otpauthUrl, qrSvg: encodeQR(otpauthUrl, 'svg'), sealed };
    },
    async stepOf(userId, sealed, code) {
      const bytes = new Uint8Array(await unseal(sealed, nameOf(userId), masterKeys));
      const totp = new TOTP({ ...settings, secret: new Secret({ buffer: bytes.buffer }) });
      const timestamp = nowMs();
      const delta = totp.validate({ token: code, timestamp, window: toleratedSteps });
      return delta === null ? null : totp.counter({ timestamp }) + delta;
    },
  };
}

/** What a secret is sealed under: one that is moved to another account does not open. */
function nameOf(userId: string): string {
  return `totp-secret/${userId}`;
}
