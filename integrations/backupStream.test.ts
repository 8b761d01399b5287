import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { pieceBytes, sealStream, unsealStream } from './backupStream.ts';
import { ObjectCorruptError } from './sealing.ts';

const keys = [{ id: 'k2', key: randomBytes(32) }];
const older = { id: 'k1', key: randomBytes(32) };
const name = 'backups/1/database';

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The bytes in chunks of a size that has nothing to do with that of the pieces. */
async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.byteLength; i += size) yield await Promise.resolve(bytes.subarray(i, i + size));
}

const sealed = (bytes: Uint8Array, as = name) => all(sealStream(inChunks(bytes, 65_536), as, keys));
const opened = (bytes: Uint8Array, chunk = 50_000) => all(unsealStream(inChunks(bytes, chunk), name, [...keys, older]));

/** Where each piece begins, and where the stream ends. */
function framesOf(stream: Buffer): number[] {
  const starts = [0];
  for (let at = 0; at < stream.byteLength;) starts.push((at += 4 + stream.readUInt32BE(at)));
  return starts;
}

describe('a sealed stream (D4, I5)', () => {
  test.each([0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 2 * pieceBytes, 3 * pieceBytes + 12_345])(
    'of %i bytes opens to the same bytes, in whatever chunks it comes',
    async (size) => {
      const bytes = randomBytes(size);
      const stream = await sealed(bytes);
      expect((await opened(stream)).equals(bytes)).toBe(true);
      expect((await opened(stream, 3 * pieceBytes)).equals(bytes)).toBe(true);
    },
  );

  test('of an older key opens as long as the key is there, and with no other', async () => {
    const stream = await all(sealStream([Buffer.from('old')], name, [older]));
    expect((await opened(stream)).toString()).toBe('old');
    await expect(all(unsealStream(inChunks(stream, 9), name, keys))).rejects.toBeInstanceOf(ObjectCorruptError);
  });

  test('that was altered anywhere, moved to another name, or is none does not open', async () => {
    const bytes = randomBytes(pieceBytes + 1_000);
    const stream = await sealed(bytes);
    for (const at of [0, 5, 100, framesOf(stream)[1] ?? 0, stream.byteLength - 1]) {
      const altered = Buffer.from(stream);
      altered[at] = (altered[at] ?? 0) ^ 1;
      await expect(opened(altered)).rejects.toBeInstanceOf(ObjectCorruptError);
    }
    await expect(opened(await sealed(bytes, 'backups/2/database'))).rejects.toBeInstanceOf(ObjectCorruptError);
    await expect(opened(randomBytes(1_000))).rejects.toBeInstanceOf(ObjectCorruptError);
  });

  test('that was cut off, between pieces or within one, reordered or repeated does not open', async () => {
    const stream = await sealed(randomBytes(2 * pieceBytes + 1_000));
    const [, first = 0, second = 0] = framesOf(stream);
    for (const end of [0, 2, first - 1, first, second, second + 3, stream.byteLength - 1]) {
      await expect(opened(stream.subarray(0, end))).rejects.toBeInstanceOf(ObjectCorruptError);
    }
    const [a, b, c] = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
    for (const pieces of [
      [b, a, c],
      [a, c],
      [a, b, b, c],
      [a, b, c, c],
    ]) {
      await expect(opened(Buffer.concat(pieces))).rejects.toBeInstanceOf(ObjectCorruptError);
    }
  });
});
