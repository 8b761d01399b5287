import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { ObjectCorruptError, seal, unseal } from './sealing.ts';

const newKey = (id: string) => ({ id, key: randomBytes(32) });
const current = newKey('2026-11');
const old = newKey('2025-01');
const text = Buffer.from('a tower by the water, and a long bridge; '.repeat(40));

describe('What is sealed', () => {
  test.each([0, 1, 15, 2_000, 70_000, 2_000_000])('opens to the same %i bytes (D3)', async (length) => {
    for (const bytes of [randomBytes(length), Buffer.alloc(length, 'abc')]) {
      const sealed = await seal(bytes, 'sessions/1', [current]);
      expect(Buffer.from(await unseal(sealed, 'sessions/1', [current])).equals(bytes)).toBe(true);
    }
  });

  test('shows nothing of its content, and never looks the same twice (I5)', async () => {
    const [one, other] = [await seal(text, 'a', [current]), await seal(text, 'a', [current])];
    expect(Buffer.from(one).includes('tower')).toBe(false);
    expect(Buffer.from(one).equals(Buffer.from(other))).toBe(false);
  });

  test('is compressed: a sketch of 100,000 points takes less than a third', async () => {
    const points = Array.from({ length: 100_000 }, (_, i) => ({
      x: Math.round(400 + 300 * Math.sin(i / 900)),
      y: Math.round(300 + 200 * Math.cos(i / 700)),
      tMs: i * 8,
    }));
    const bytes = Buffer.from(JSON.stringify(points));
    expect((await seal(bytes, 'a', [current])).byteLength).toBeLessThan(bytes.byteLength / 3);
  });

  test('stays readable after the master key was changed, and names the new key (I5)', async () => {
    const before = await seal(text, 'a', [old]);
    expect(Buffer.from(await unseal(before, 'a', [current, old])).equals(text)).toBe(true);
    const after = await seal(text, 'a', [current, old]);
    expect(Buffer.from(after).subarray(3, 10).toString()).toBe('2026-11');
  });
});

describe('What does not open is refused (I5)', () => {
  test('when its master key is not configured, which is named', async () => {
    const sealed = await seal(text, 'a', [old]);
    await expect(unseal(sealed, 'a', [current])).rejects.toThrow(/"2025-01", which is not configured/);
    await expect(unseal(sealed, 'a', [{ ...current, id: old.id }])).rejects.toThrow(ObjectCorruptError);
  });

  test('when it was moved to another name', async () => {
    await expect(unseal(await seal(text, 'sessions/1', [current]), 'sessions/2', [current])).rejects.toThrow(
      ObjectCorruptError,
    );
  });

  test('when any one of its bytes was altered', async () => {
    const sealed = await seal(Buffer.from('short'), 'a', [current]);
    for (let i = 0; i < sealed.byteLength; i += 1) {
      const altered = Uint8Array.from(sealed);
      altered[i] = (altered[i] ?? 0) ^ 1;
      await expect(unseal(altered, 'a', [current])).rejects.toThrow(ObjectCorruptError);
    }
  });

  test('when it was cut anywhere, or has something added', async () => {
    const sealed = await seal(Buffer.from('short'), 'a', [current]);
    for (let length = 0; length < sealed.byteLength; length += 1) {
      await expect(unseal(sealed.subarray(0, length), 'a', [current])).rejects.toThrow(ObjectCorruptError);
    }
    await expect(unseal(Buffer.concat([sealed, Buffer.from([0])]), 'a', [current])).rejects.toThrow(ObjectCorruptError);
  });

  test('when there is no key to seal with', async () => {
    await expect(seal(text, 'a', [])).rejects.toThrow('needs a master key');
  });
});
