import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SessionContent } from '../domain/impressions.ts';
import { createObjectStore, ObjectMissingError } from './objectStore.ts';
import { createSessionContentStore } from './sessionContent.ts';

const objects = createObjectStore({
  endpoint: process.env.S3_ENDPOINT,
  region: process.env.S3_REGION ?? '',
  accessKeyId: process.env.S3_ACCESS_KEY_ID ?? '',
  secretAccessKey: process.env.S3_SECRET_ACCESS_KEY ?? '',
  bucket: `content-${randomUUID()}`,
  masterKeys: [{ id: 'k1', key: randomBytes(32) }],
});
const contents = createSessionContentStore(objects);
const content: SessionContent = {
  sessionType: 'remote_viewing',
  cue: '4711-0815',
  impressions: { words: ['tower', 'water', 'Brücke', '塔'] },
};

beforeAll(() => objects.ensureBucket());
afterAll(() => {
  objects.close();
});

describe('What a person recorded', () => {
  test('comes back as it was, each version under its own key, the same version under the same (D3, T1)', async () => {
    const id = randomUUID();
    const keys = [await contents.put(id, 'v1', content), await contents.put(id, 'v2', { ...content, cue: 'other' })];
    expect(new Set(keys).size).toBe(2);
    expect(await contents.put(id, 'v1', content)).toBe(keys[0]);
    expect(await contents.get(keys[0] ?? '')).toEqual(content);
    expect((await contents.get(keys[1] ?? '')).cue).toBe('other');
  });

  test('is gone in every version once it is erased, and that of others stays (A1)', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    const keys = [await contents.put(id, 'v1', content), await contents.put(id, 'v2', content)];
    const kept = await contents.put(other, 'v1', content);
    await contents.erase(id);
    for (const key of keys) await expect(contents.get(key)).rejects.toThrow(ObjectMissingError);
    expect(await contents.get(kept)).toEqual(content);
  });

  test('can lose one version alone', async () => {
    const id = randomUUID();
    const [first, second] = [await contents.put(id, 'v1', content), await contents.put(id, 'v2', content)];
    await contents.delete(first);
    await expect(contents.get(first)).rejects.toThrow(ObjectMissingError);
    expect(await contents.get(second)).toEqual(content);
  });

  test('is checked when it is read: what is no content is refused', async () => {
    await objects.putSealed('sessions/x/content/v1', Buffer.from('{"sessionType":"unknown"}'));
    await expect(contents.get('sessions/x/content/v1')).rejects.toThrow();
  });
});
