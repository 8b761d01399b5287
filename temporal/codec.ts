import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { decrypt, encrypt, type MasterKey } from '../domain/encryption.ts';

/**
 * What workflows and activities are given and give is encrypted before it leaves the process (I5), so that whoever
 * runs Temporal holds ids of ours that say nothing. A sealed payload is written as Temporal's own samples write it:
 * `encoding` is `binary/encrypted`, `encryption-key-id` names the key, `data` is the encrypted protobuf message of the
 * payload as it was. Both entries are bound to the content. What was never sealed stays as it is, so histories of the
 * time before this codec are read and replayed.
 */
const Message = proto.temporal.api.common.v1.Payload;

const sealedEncoding = 'binary/encrypted';
const encodingEntry = 'encoding';
const keyIdEntry = 'encryption-key-id';
/** Whose payload it is; it is written inside, where only whoever opens the payload reads it. */
const workflowIdEntry = 'workflow-id';

/** Thrown when a sealed payload does not open: it was altered, or its key is unknown. */
export class PayloadSealedError extends Error {
  override readonly name = 'PayloadSealedError';
}

/** The path of the module by which failures are converted. */
export const failureConverterPath = fileURLToPath(new URL('failureConverter.ts', import.meta.url));

/** How every client, worker and replay writes and reads payloads; the first key seals, all of them open. */
export function createDataConverter(keys: readonly MasterKey[]): DataConverter {
  return { payloadCodecs: [createPayloadCodec(keys)], failureConverterPath };
}

/** Seals with the first of the keys, and opens with all of them. */
export function createPayloadCodec(keys: readonly MasterKey[]): PayloadCodec {
  return {
    encode: async (payloads, context) =>
      Promise.resolve(payloads.map((payload) => sealPayload(payload, keys, context?.workflowId))),
    decode: async (payloads) => Promise.resolve(payloads.map((payload) => openPayload(payload, keys).payload)),
  };
}

/** Seals one payload with the first of the keys; `workflowId` says whose it is. */
export function sealPayload(payload: Payload, keys: readonly MasterKey[], workflowId?: string): Payload {
  const [current] = keys;
  if (current === undefined) throw new Error('Sealing needs a key.');
  const metadata = {
    ...payload.metadata,
    ...(workflowId === undefined ? {} : { [workflowIdEntry]: Buffer.from(workflowId) }),
  };
  const plain = Message.encode({ ...payload, metadata }).finish();
  return {
    metadata: { [encodingEntry]: Buffer.from(sealedEncoding), [keyIdEntry]: Buffer.from(current.id) },
    data: encrypt(plain, current.key, boundTo(current.id)),
  };
}

/** A payload as it was before it was sealed, and the workflow that it belongs to, where it says so. */
interface Opened {
  payload: Payload;
  workflowId?: string;
}

/**
 * Opens one payload; one that was never sealed is given back as it is.
 *
 * @throws PayloadSealedError
 */
export function openPayload(payload: Payload, keys: readonly MasterKey[]): Opened {
  if (!isSealed(payload)) return { payload };
  const id = entryOf(payload, keyIdEntry) ?? '';
  const known = keys.find((key) => key.id === id);
  if (known === undefined) {
    throw new PayloadSealedError(`A payload was sealed with key ${JSON.stringify(id)}, which is not configured.`);
  }
  try {
    return withoutOwner(Message.decode(decrypt(payload.data ?? Buffer.alloc(0), known.key, boundTo(id))));
  } catch (error) {
    throw new PayloadSealedError(`A payload that was sealed with key ${JSON.stringify(id)} was altered.`, {
      cause: error,
    });
  }
}

/** Whether it was sealed, with whichever key. */
export function isSealed(payload: Payload): boolean {
  return entryOf(payload, encodingEntry) === sealedEncoding;
}

/** Temporal's command line shows a payload as what it says only when its metadata is its encoding alone. */
function withoutOwner(written: Payload): Opened {
  const workflowId = entryOf(written, workflowIdEntry);
  if (workflowId === undefined) return { payload: written };
  const others = Object.entries(written.metadata ?? {}).filter(([name]) => name !== workflowIdEntry);
  return { payload: { ...written, metadata: Object.fromEntries(others) }, workflowId };
}

function entryOf(payload: Payload, name: string): string | undefined {
  const entry = payload.metadata?.[name];
  return entry === undefined ? undefined : Buffer.from(entry).toString();
}

function boundTo(keyId: string): Buffer {
  return Buffer.from(`${sealedEncoding} ${keyId}`);
}
