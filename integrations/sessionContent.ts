import { z } from 'zod';
import { sessionContentSchema, type SessionContent } from '../domain/impressions.ts';
import type { ContentKeys } from './contentKeys.ts';
import type { ObjectStore } from './objectStore.ts';

/** Where what a person recorded lies: cue, impressions and metadata, one object for each version of them, sealed with the person’s own key. */
export interface SessionContentStore {
  /** Stores a version and returns its key. The same `version` of a session is stored under the same key again. */
  put(owner: SessionOwner, version: string, content: SessionContent): Promise<string>;
  /** @throws ObjectMissingError, ObjectCorruptError */
  get(contentKey: string): Promise<SessionContent>;
  delete(contentKey: string): Promise<void>;
  /** Removes every version of a session's content. */
  erase(sessionId: string): Promise<void>;
}

interface SessionOwner {
  sessionId: string;
  userId: string;
}

export function createSessionContentStore(objects: ObjectStore, contentKeys: ContentKeys): SessionContentStore {
  return {
    async put({ sessionId, userId }, version, content) {
      const key = `${sessionFolder(sessionId)}content/${version}`;
      await objects.putSealed(key, Buffer.from(JSON.stringify(content)), await contentKeys.of(userId));
      return key;
    },
    async get(contentKey) {
      const bytes = await objects.getSealed(contentKey, (keyId) => contentKeys.find(keyId));
      return sessionContentSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    },
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

/** The content as the cache holds it: with the key of its version, so that a stale entry is recognised. */
export const cachedContentSchema = z.object({ contentKey: z.string(), content: sessionContentSchema });

/** The content in the form in which the cache holds it. */
export function cachedContent(entry: z.infer<typeof cachedContentSchema>): string {
  return JSON.stringify(entry);
}
