import { expect, test } from '@jest/globals';
import { imageSchema } from './images.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP6DwABBQECz6AuzQAAAABJRU5ErkJggg==',
  'base64',
);

function problemsOf(image: unknown): string[] {
  const { error } = imageSchema.safeParse(image);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('a whole file of its media type is taken (M1)', () => {
  expect(problemsOf({ mediaType: 'image/png', base64: png.toString('base64') })).toEqual([]);
});

test.each([
  ['text', 'image/png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['a file of another type', 'image/jpeg', png],
  ['a file that was cut short', 'image/png', png.subarray(0, 50)],
  ['a file that claims more than it holds', 'image/webp', Buffer.from('RIFF\xff\xff\xff\x00WEBPVP8 ', 'latin1')],
])('%s is refused, naming the field (I5, M1)', (_what, mediaType, bytes) => {
  expect(problemsOf({ mediaType, base64: bytes.toString('base64') })).toEqual([
    `base64: is no whole file of ${mediaType}`,
  ]);
});

test('what is not base64, is of an unknown type or is too large is refused, naming the field (M1)', () => {
  expect(problemsOf({ mediaType: 'image/png', base64: 'not base64!' })).toEqual(['base64: is not base64']);
  expect(problemsOf({ mediaType: 'image/gif', base64: 'R0lGODlh' })).toEqual([
    expect.stringMatching(/^mediaType: Invalid option/),
  ]);
  const large = Buffer.concat([png, Buffer.alloc(7_000_000)]).toString('base64');
  expect(problemsOf({ mediaType: 'image/png', base64: large })).toEqual(['base64: holds more than 7000000 bytes']);
});
