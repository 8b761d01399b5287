import { randomBytes } from 'node:crypto';
import type { MasterKey } from '../domain/encryption.ts';
import { seal, unseal } from './sealing.ts';

/** The secrets that webhooks are signed with: whole in their owner's hands, sealed in ours. */
export interface WebhookSecrets {
  /** A fresh secret as its owner keeps it, and sealed for the endpoint. */
  make(endpointId: string): Promise<{ secret: string; sealed: Uint8Array }>;
  /** The secret as its owner has it. */
  open(endpointId: string, sealed: Uint8Array): Promise<string>;
}

/** Standard Webhooks asks for 24 to 64 bytes. */
const secretBytes = 32;

/** A sealed secret opens for its own endpoint alone. */
export function createWebhookSecrets(masterKeys: readonly MasterKey[]): WebhookSecrets {
  return {
    async make(endpointId) {
      const secret = `whsec_${randomBytes(secretBytes).toString('base64')}`;
      return { secret, sealed: await seal(Buffer.from(secret), nameOf(endpointId), masterKeys) };
    },
    open: async (endpointId, sealed) =>
      Buffer.from(await unseal(sealed, nameOf(endpointId), masterKeys)).toString('utf8'),
  };
}

/** What a secret is sealed under: one that is moved to another endpoint does not open. */
function nameOf(endpointId: string): string {
  return `webhook-secret/${endpointId}`;
}
