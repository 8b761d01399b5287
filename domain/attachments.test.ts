import { describe, expect, test } from '@jest/globals';
import { savedNameOf, maxUploadBytes, mediaTypeTerms, partBytes, partsOf } from './attachments.ts';

describe('Parts of a file', () => {
  test.each([1, partBytes - 1, partBytes, partBytes + 1, 3 * partBytes, maxUploadBytes])(
    'of %d bytes are numbered from 1, hold every byte once, and none but the last is short (D3)',
    (sizeBytes) => {
      const parts = partsOf(sizeBytes);
      expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1));
      expect(parts.reduce((sum, part) => sum + part.sizeBytes, 0)).toBe(sizeBytes);
      expect(parts.slice(0, -1).every((part) => part.sizeBytes === partBytes)).toBe(true);
      expect(parts.at(-1)?.sizeBytes).toBeGreaterThan(0);
    },
  );

  test('are large enough for S3, which takes parts of 5 MiB and more', () => {
    expect(partBytes).toBeGreaterThanOrEqual(5 * 1_024 ** 2);
  });
});

describe('The name of a file', () => {
  test.each([
    ['notes.txt', 'text/plain', 'notes.txt'],
    ['Foto.JPEG', 'image/jpeg', 'Foto.JPEG'],
    ['tower.exe', 'image/png', 'tower.exe.png'],
    ['no ending', 'application/pdf', 'no ending.pdf'],
    ['.html', 'text/plain', '.html.txt'],
  ] as const)('%s of a file of %s is saved as %s', (name, mediaType, saved) => {
    expect(savedNameOf(name, mediaType)).toBe(saved);
  });

  test('ends as its type does, whatever it was (S2)', () => {
    for (const [mediaType, { extensions }] of Object.entries(mediaTypeTerms)) {
      const saved = savedNameOf('x.scr', mediaType as keyof typeof mediaTypeTerms);
      expect(extensions).toContain(saved.split('.').at(-1));
    }
  });
});
