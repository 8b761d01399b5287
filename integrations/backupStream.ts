import type { MasterKey } from '../domain/encryption.ts';
import { ObjectCorruptError, seal, unseal } from './sealing.ts';

/**
 * Streams of any length, sealed piece by piece (integrations/sealing.ts), so that no more than a piece is in memory.
 * Each piece is preceded by its length in four bytes and bound to the stream's name, its place, and whether it is the
 * last: a stream that was cut off, reordered, or put together from two does not open.
 */

/** How much is sealed at once. */
export const pieceBytes = 4 * 1024 ** 2;
const lengthBytes = 4;
/** What is longer was not sealed by us: a piece that does not shrink, its header, keys and tags. */
const maxSealedBytes = pieceBytes + 1024;

/** Seals a stream for the name under which it will be stored, with the first of the keys. */
export async function* sealStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  name: string,
  keys: readonly MasterKey[],
): AsyncGenerator<Buffer> {
  let index = 0;
  let waiting: Buffer | undefined;
  for await (const piece of inPieces(source)) {
    if (waiting !== undefined) yield framed(await seal(waiting, pieceName(name, index++, false), keys));
    waiting = piece;
  }
  yield framed(await seal(waiting ?? Buffer.alloc(0), pieceName(name, index, true), keys));
}

/**
 * Opens a stream that was stored under this name. What it yields before it throws is genuine, but not all.
 *
 * @throws ObjectCorruptError
 */
export async function* unsealStream(
  source: AsyncIterable<Uint8Array>,
  name: string,
  keys: readonly MasterKey[],
): AsyncGenerator<Uint8Array> {
  let index = 0;
  let waiting: Buffer | undefined;
  for await (const piece of framesOf(source)) {
    if (waiting !== undefined) yield await unseal(waiting, pieceName(name, index++, false), keys);
    waiting = piece;
  }
  if (waiting === undefined) throw new ObjectCorruptError('The sealed stream is cut off.');
  yield await unseal(waiting, pieceName(name, index, true), keys);
}

function pieceName(name: string, index: number, isLast: boolean): string {
  return `${name}#${index}${isLast ? ' last' : ''}`;
}

function framed(sealed: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(sealed.byteLength);
  return Buffer.concat([length, sealed]);
}

/** The same bytes in pieces of one size, the last one excepted. */
async function* inPieces(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes < pieceBytes) continue;
    let all = Buffer.concat(chunks);
    for (; all.byteLength >= pieceBytes; all = all.subarray(pieceBytes)) yield all.subarray(0, pieceBytes);
    [chunks, bytes] = all.byteLength > 0 ? [[all], all.byteLength] : [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(chunks);
}

/** @throws ObjectCorruptError */
async function* framesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let needed = lengthBytes;
  for await (const chunk of source) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes < needed) continue;
    let all = Buffer.concat(chunks);
    for (;;) {
      if (all.byteLength < lengthBytes) break;
      const length = all.readUInt32BE(0);
      if (length > maxSealedBytes) throw new ObjectCorruptError('This is no sealed stream.');
      if (all.byteLength < lengthBytes + length) break;
      yield all.subarray(lengthBytes, lengthBytes + length);
      all = all.subarray(lengthBytes + length);
    }
    needed = all.byteLength < lengthBytes ? lengthBytes : lengthBytes + all.readUInt32BE(0);
    [chunks, bytes] = [[all], all.byteLength];
  }
  if (bytes > 0) throw new ObjectCorruptError('The sealed stream is cut off.');
}
