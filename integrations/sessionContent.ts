import { z } from 'zod';
import { presentContent, sessionContentSchema, type KeptContent, type SessionContent } from '../domain/content.ts';
import { impressionsSchemas } from '../domain/impressions.ts';
import { cachedJson, formOf, openCachedJson } from './cachedJson.ts';
import type { ContentKeys } from './contentKeys.ts';
import type { ObjectStore } from './objectStore.ts';

/** Where what a person recorded lies: cue, impressions and metadata, one object for each version of them, sealed with the person’s own key. */
export interface SessionContentStore {
  /** Stores a version and returns its key. The same `version` of a session is stored under the same key again. */
  put(owner: SessionOwner, version: string, content: SessionContent): Promise<string>;
  /** The content of a session as it is now, by its row. @throws ObjectMissingError, ObjectCorruptError */
  get(row: KeptContent & { contentKey: string }): Promise<SessionContent>;
  /** A version as it was put, for a session that has no row yet. @throws ObjectMissingError, ObjectCorruptError */
  getStored(contentKey: string): Promise<SessionContent>;
  delete(contentKey: string): Promise<void>;
  /** Removes every version of a session's content. */
  erase(sessionId: string): Promise<void>;
}

interface SessionOwner {
  sessionId: string;
  userId: string;
}

/** Content is sealed with the key of its owner; each version is an object of its own, which is never written over. */
export function createSessionContentStore(objects: ObjectStore, contentKeys: ContentKeys): SessionContentStore {
  async function getStored(contentKey: string): Promise<SessionContent> {
    const bytes = await objects.getSealed(contentKey, (keyId) => contentKeys.find(keyId));
    return sessionContentSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  }

  return {
    async put({ sessionId, userId }, version, content) {
      const key = `${sessionFolder(sessionId)}content/${version}`;
      await objects.putSealed(key, Buffer.from(JSON.stringify(content)), await contentKeys.of(userId));
      return key;
    },
    get: async (row) => presentContent(await getStored(row.contentKey), row),
    getStored,
    delete: (contentKey) => objects.delete(contentKey),
    async erase(sessionId) {
      await objects.deletePrefix(sessionFolder(sessionId));
    },
  };
}

/** Where everything of a session lies, so that removing it removes all. */
export function sessionFolder(sessionId: string): string {
  return `sessions/${sessionId}/`;
}

/** Impressions as the cache holds them: with the key of their version, so that a stale entry is recognised. */
const headSchema = z.object({
  form: z.literal(formOf(z.union(Object.values(impressionsSchemas)))),
  contentKey: z.string(),
});

/** What the cache holds of a session that is still open; undefined of one without impressions. */
export function cachedImpressions(contentKey: string, { impressions }: SessionContent): Buffer | undefined {
  if (impressions === undefined) return undefined;
  const head: z.infer<typeof headSchema> = { form: headSchema.shape.form.value, contentKey };
  return cachedJson(head, Buffer.from(JSON.stringify(impressions)));
}

/** The JSON of the impressions of this version, where the entry holds them. */
export function openCachedImpressions(contentKey: string, entry: Buffer | undefined): Buffer | undefined {
  const opened = entry && openCachedJson(headSchema, entry);
  return opened?.head.contentKey === contentKey ? opened.json : undefined;
}
