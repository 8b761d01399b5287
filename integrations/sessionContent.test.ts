import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SessionContent } from '../domain/content.ts';
import { createContentKeys, type ContentKeyRows } from './contentKeys.ts';
import { createObjectStore, ObjectCorruptError, ObjectMissingError } from './objectStore.ts';
import { createSessionContentStore } from './sessionContent.ts';

const masterKeys = [{ id: 'k1', key: randomBytes(32) }];
const objects = createObjectStore({
  endpoint: process.env.S3_ENDPOINT,
  region: process.env.S3_REGION ?? '',
  accessKeyId: process.env.S3_ACCESS_KEY_ID ?? '',
  secretAccessKey: process.env.S3_SECRET_ACCESS_KEY ?? '',
  bucket: `content-${randomUUID()}`,
  masterKeys,
});
/** The rows of the keys, in place of the table. */
const sealedKeys = new Map<string, Uint8Array>();
const rows: ContentKeyRows = {
  find: (userId) => Promise.resolve(sealedKeys.get(userId) ?? null),
  add: (userId, sealedKey) => Promise.resolve(keepFirst(userId, sealedKey)),
};
function keepFirst(userId: string, sealedKey: Uint8Array): Uint8Array {
  const kept = sealedKeys.get(userId) ?? sealedKey;
  sealedKeys.set(userId, kept);
  return kept;
}
/** The store as a process finds it that has no key in its memory. */
const freshStore = () => createSessionContentStore(objects, createContentKeys(rows, masterKeys));
const contents = freshStore();
const userId = randomUUID();
const owned = (sessionId: string) => ({ sessionId, userId });
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
    const keys = [
      await contents.put(owned(id), 'v1', content),
      await contents.put(owned(id), 'v2', { ...content, cue: 'other' }),
    ];
    expect(new Set(keys).size).toBe(2);
    expect(await contents.put(owned(id), 'v1', content)).toBe(keys[0]);
    expect(await contents.getStored(keys[0] ?? '')).toEqual(content);
    expect((await contents.getStored(keys[1] ?? '')).cue).toBe('other');
  });

  test('is gone in every version once it is erased, and that of others stays (A1)', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    const keys = [await contents.put(owned(id), 'v1', content), await contents.put(owned(id), 'v2', content)];
    const kept = await contents.put(owned(other), 'v1', content);
    await contents.erase(id);
    for (const key of keys) await expect(contents.getStored(key)).rejects.toThrow(ObjectMissingError);
    expect(await contents.getStored(kept)).toEqual(content);
  });

  test('can lose one version alone', async () => {
    const id = randomUUID();
    const [first, second] = [
      await contents.put(owned(id), 'v1', content),
      await contents.put(owned(id), 'v2', content),
    ];
    await contents.delete(first);
    await expect(contents.getStored(first)).rejects.toThrow(ObjectMissingError);
    expect(await contents.getStored(second)).toEqual(content);
  });

  test('opens no more once its owner’s key is destroyed, and that of others does (I5)', async () => {
    const [mine, theirs] = [randomUUID(), randomUUID()];
    const key = await contents.put({ sessionId: randomUUID(), userId: mine }, 'v1', content);
    const other = await contents.put({ sessionId: randomUUID(), userId: theirs }, 'v1', content);
    expect(await freshStore().getStored(key)).toEqual(content);
    sealedKeys.delete(mine);
    await expect(freshStore().getStored(key)).rejects.toThrow(ObjectCorruptError);
    expect(await freshStore().getStored(other)).toEqual(content);
  });

  test('is sealed with the one key of its owner, however many processes make it at once (I5)', async () => {
    const owner = { sessionId: randomUUID(), userId: randomUUID() };
    const keys = await Promise.all(['v1', 'v2', 'v3'].map((version) => freshStore().put(owner, version, content)));
    for (const key of keys) expect(await freshStore().getStored(key)).toEqual(content);
  });

  test('is checked when it is read: what is no content is refused', async () => {
    await objects.putSealed('sessions/x/content/v1', Buffer.from('{"sessionType":"unknown"}'));
    await expect(contents.getStored('sessions/x/content/v1')).rejects.toThrow();
  });
});
