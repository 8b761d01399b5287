import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import { decrypt, encrypt, keyBytes, nonceBytes, tagBytes, type MasterKey } from '../domain/encryption.ts';

/**
 * Restricted content is sealed before it leaves the process (I5): envelope encryption with AES-256-GCM. Each sealed
 * piece has a fresh data key, which the current master key wraps; the master key's id stands in the header, so that
 * older keys stay readable for as long as they are configured. The name under which a piece is stored is bound to it
 * as additional data: a piece moved to another name does not open.
 *
 * Layout, version 1 (lengths in bytes):
 *
 *     1  version, 1
 *     1  compression: 0 none, 1 raw deflate
 *     1  length of the master key's id, n
 *     n  master key's id, ASCII
 *     ── the header ends here; header and name are the additional data of both encryptions ──
 *    12  nonce of the wrapping    32  wrapped data key    16  tag of the wrapping
 *    12  nonce of the content      …  content             16  tag of the content
 */

/** Thrown when a sealed piece does not open: altered, cut, moved to another name, or its master key is unknown. */
export class ObjectCorruptError extends Error {
  override readonly name = 'ObjectCorruptError';
}

const layoutVersion = 1;
const uncompressed = 0;
const deflated = 1;

/** Up to here every reader would pay more for unpacking a piece than its bytes cost on their way. */
const maxLeftAsIsBytes = 16 * 1024;
/** Up to here compressing at once costs less than handing the work to another thread. */
const syncCompressionBytes = 64 * 1024;
/** What opens to more than this was not sealed by us. */
const maxOpenedBytes = 256 * 1024 * 1024;

const deflateOnThread = promisify<Uint8Array, Buffer>(deflateRaw);
const inflateOnThread = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw);

/** Encrypts a piece, compressed where that pays, for the name under which it will be stored, with the first master key. */
export async function seal(bytes: Uint8Array, name: string, masterKeys: readonly MasterKey[]): Promise<Buffer> {
  const masterKey = masterKeys[0];
  if (masterKey === undefined) throw new Error('Sealing needs a master key.');
  const content = bytes.byteLength <= maxLeftAsIsBytes ? bytes : await smallest(bytes);
  const compression = content === bytes ? uncompressed : deflated;
  const id = Buffer.from(masterKey.id, 'ascii');
  const header = Buffer.concat([Buffer.from([layoutVersion, compression, id.byteLength]), id]);
  const bound = Buffer.concat([header, Buffer.from(name)]);
  const dataKey = randomBytes(keyBytes);
  return Buffer.concat([header, encrypt(dataKey, masterKey.key, bound), encrypt(content, dataKey, bound)]);
}

/**
 * Opens a piece that was stored under this name.
 *
 * @throws ObjectCorruptError
 */
export async function unseal(sealed: Uint8Array, name: string, masterKeys: readonly MasterKey[]): Promise<Buffer> {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const [version, compression, idLength = 0] = bytes;
  const headerEnd = 3 + idLength;
  const wrapEnd = headerEnd + nonceBytes + keyBytes + tagBytes;
  if (bytes.byteLength < wrapEnd + nonceBytes + tagBytes) throw new ObjectCorruptError('The sealed piece is cut off.');
  if (version !== layoutVersion || (compression !== uncompressed && compression !== deflated)) {
    throw new ObjectCorruptError('This is no sealed piece of a known layout.');
  }
  const id = bytes.toString('ascii', 3, headerEnd);
  const masterKey = masterKeys.find((key) => key.id === id);
  if (masterKey === undefined) {
    throw new ObjectCorruptError(`It was sealed with master key ${JSON.stringify(id)}, which is not configured.`);
  }
  const bound = Buffer.concat([bytes.subarray(0, headerEnd), Buffer.from(name)]);
  try {
    const dataKey = decrypt(bytes.subarray(headerEnd, wrapEnd), masterKey.key, bound);
    const content = decrypt(bytes.subarray(wrapEnd), dataKey, bound);
    return compression === deflated ? await inflate(content) : content;
  } catch (error) {
    throw new ObjectCorruptError('It was altered, or stored under another name.', { cause: error });
  }
}

/** The id of the key that a sealed piece names; undefined when it is no sealed piece. */
export function keyIdOf(sealed: Uint8Array): string | undefined {
  const [version, , idLength] = sealed;
  if (version !== layoutVersion || idLength === undefined) return undefined;
  return Buffer.from(sealed.subarray(3, 3 + idLength)).toString('ascii');
}

/** The bytes compressed, or themselves where they do not shrink. */
async function smallest(bytes: Uint8Array): Promise<Uint8Array> {
  const packed = bytes.byteLength <= syncCompressionBytes ? deflateRawSync(bytes) : await deflateOnThread(bytes);
  return packed.byteLength < bytes.byteLength ? packed : bytes;
}

async function inflate(bytes: Uint8Array): Promise<Buffer> {
  const limit = { maxOutputLength: maxOpenedBytes };
  // Drawings shrink to a tenth and less, so the compressed size that may be opened at once is smaller as well.
  return bytes.byteLength <= syncCompressionBytes / 8
    ? inflateRawSync(bytes, limit)
    : await inflateOnThread(bytes, limit);
}
