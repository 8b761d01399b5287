import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { mediaTypes, type MediaType } from '../../domain/attachments.ts';
import { inspect } from './inspect.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const zeros = (count: number) => Array<number>(count).fill(0);
const blank = () => sharp({ create: { width: 8, height: 8, channels: 3, background: 'white' } });

/** The beginning of a file of each type, as programs write it. */
const samples: Record<MediaType, Buffer> = {
  'image/png': await blank().png().toBuffer(),
  'image/jpeg': await blank().jpeg().toBuffer(),
  'image/webp': await blank().webp().toBuffer(),
  'audio/mp4': bytes([0, 0, 0, 24], 'ftypM4A ', zeros(4), 'M4A mp42', zeros(64)),
  'audio/mpeg': bytes([0xff, 0xfb, 0x90, 0x64], zeros(413), [0xff, 0xfb, 0x90, 0x64], zeros(413)),
  'audio/ogg': bytes('OggS', [0, 2], zeros(20), [1, 19], 'OpusHead', zeros(64)),
  'audio/wav': bytes('RIFF', [36, 0, 0, 0], 'WAVEfmt ', zeros(64)),
  'audio/webm': bytes([0x1a, 0x45, 0xdf, 0xa3, 0x87, 0x42, 0x82, 0x84], 'webm', zeros(64)),
  'application/pdf': bytes('%PDF-1.7\n', zeros(64)),
  'text/plain': Buffer.from('A tower, cold water — über allem Stille.\r\n\tEnde\n'),
};

/** The file in pieces of `size` bytes, as a line may deliver it. */
function* inPieces(file: Buffer, size: number) {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}

const inspected = (file: Buffer, mediaType: MediaType, size = 4_096) =>
  inspect(Readable.from(inPieces(file, size)), mediaType);

describe('A file is told by its bytes', () => {
  const pairs = mediaTypes.flatMap((is) => mediaTypes.map((said) => [is, said] as const));
  test.each(pairs)('one of %s is one of %s only if it is (D3)', async (is, said) => {
    expect((await inspected(samples[is], said)).isOfType).toBe(is === said);
  });

  test.each([
    ['a program', bytes('MZ', zeros(62), 'PE')],
    ['an archive', bytes([0x50, 0x4b, 3, 4], zeros(64))],
    ['a page', Buffer.from('<!doctype html><script>alert(1)</script>')],
  ])('%s is none of them, except that a page is text that is saved as text', async (what, file) => {
    for (const mediaType of mediaTypes) {
      const isPlain = what === 'a page' && mediaType === 'text/plain';
      expect((await inspected(file, mediaType)).isOfType).toBe(isPlain);
    }
  });

  test.each([
    ['cut inside a character', samples['text/plain'].subarray(0, samples['text/plain'].indexOf('—') + 1)],
    ['of another encoding', bytes('Stra', [0xdf], 'e')],
    ['with zeros in it', bytes('text', [0], 'text')],
    ['that steers a terminal', bytes('text', [0x1b], '[2J')],
  ])('text %s is no plain text', async (_what, file) => {
    expect((await inspected(file, 'text/plain')).isOfType).toBe(false);
  });

  test.each(['BMW, or something like it', 'GIF of a tower', 'MZ', 'ID3', '%!PS', 'BEGIN:VCALENDAR', '{\\rtf1 x}'])(
    'text that begins like a file of another type is text all the same: %s',
    async (text) => {
      expect((await inspected(Buffer.from(text), 'text/plain')).isOfType).toBe(true);
    },
  );

  test.each([1, 7, 4_099, 100_000])('size, SHA-256 and type do not depend on pieces of %d bytes', async (size) => {
    const text = Buffer.from('Stille — '.repeat(2_000));
    const sha256 = createHash('sha256').update(text).digest('hex');
    expect(await inspected(text, 'text/plain', size)).toEqual({ sizeBytes: text.length, sha256, isOfType: true });
    expect((await inspected(samples['image/png'], 'image/png', size)).isOfType).toBe(true);
  });
});
