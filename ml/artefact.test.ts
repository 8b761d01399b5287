import { describe, expect, test } from '@jest/globals';
import { sessionTypes } from '../domain/session.ts';
import { type Artefact, listBundledArtefacts, packArtefact, unpackArtefact } from './artefact.ts';
import { ArtefactCorruptError } from './errors.ts';
import { sha256Of } from './tensorFile.ts';
import { tensorOf } from './tensors.ts';

const artefact: Artefact = {
  name: 'dowsing',
  version: '1.2.3',
  created: '2026-01-02T03:04:05.000Z',
  seed: 7,
  sessions: 100,
  figures: [{ name: 'area under the curve', value: 0.9, chance: 0.5, chanceIs: 'a coin toss' }],
  profile: { length: { edges: [1, 2], shares: [0.2, 0.3, 0.5] } },
  weights: { kernel: tensorOf([2, 3], [1, -2, 3.5, 0, 1e-20, 9]), empty: tensorOf([0], []), bias: tensorOf([1], [4]) },
};

describe('an artefact (D3, M2)', () => {
  test('comes back from its bytes as it went in, weights with their shapes and figures with their chance', () => {
    const bytes = packArtefact(artefact);
    expect(unpackArtefact(bytes, sha256Of(bytes))).toEqual(artefact);
  });

  test('is read from bytes that lie anywhere in a larger buffer', () => {
    const bytes = packArtefact(artefact);
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    expect(unpackArtefact(larger.subarray(3)).weights).toEqual(artefact.weights);
  });

  test('is refused when any one bit of it differs from its checksum', () => {
    const bytes = packArtefact(artefact);
    const sha256 = sha256Of(bytes);
    for (let at = 0; at < bytes.length; at += 41) {
      const altered = Uint8Array.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => unpackArtefact(altered, sha256)).toThrow(ArtefactCorruptError);
    }
  });

  test('is refused without a known checksum too, when its weights were altered or are cut short', () => {
    const bytes = packArtefact(artefact);
    const altered = Uint8Array.from(bytes);
    altered[bytes.length - 1] = (altered[bytes.length - 1] ?? 0) ^ 1;
    expect(() => unpackArtefact(altered)).toThrow(ArtefactCorruptError);
    expect(() => unpackArtefact(bytes.subarray(0, bytes.length - 4))).toThrow(ArtefactCorruptError);
  });

  test('is refused when the bytes are something else', () => {
    expect(() => unpackArtefact(new Uint8Array(0))).toThrow(ArtefactCorruptError);
    expect(() => unpackArtefact(Buffer.from('not a model at all'))).toThrow(ArtefactCorruptError);
    expect(() => unpackArtefact(Buffer.from('MPMODEL1\u0004\u0000\u0000\u0000oops'))).toThrow(ArtefactCorruptError);
  });
});

test('every session type has a committed artefact that names its checksum, with chance beside every figure (M1)', async () => {
  const bundled = await listBundledArtefacts();
  expect(bundled.map(({ name }) => name)).toEqual([...sessionTypes]);
  for (const { name, sha256, figures, bytes } of bundled) {
    expect(unpackArtefact(bytes, sha256).name).toBe(name);
    expect(figures.length).toBeGreaterThan(4);
    expect(figures.every(({ chance, chanceIs }) => Number.isFinite(chance) && chanceIs.length > 0)).toBe(true);
  }
  expect(bundled.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(2_000_000);
});
