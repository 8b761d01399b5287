import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { ApiError } from '../domain/errors.ts';
import { minuteMs } from '../domain/time.ts';
import type { MasterKey } from '../domain/encryption.ts';
import { seal, unseal } from './sealing.ts';

/**
 * Each person's own key, which seals what they recorded. It is kept sealed by the master key, apart from what it seals:
 * once its row is gone no copy opens any more, wherever a copy of the content is left.
 */
export interface ContentKeys {
  /** The person's key; made at the first call. @throws ApiError `unauthenticated` where the account was erased meanwhile */
  of(userId: string): Promise<MasterKey>;
  /** The key that a sealed piece names; undefined when it is no person's, or was destroyed. */
  find(keyId: string): Promise<MasterKey | undefined>;
}

/** Where the sealed keys are kept. */
export interface ContentKeyRows {
  find(userId: string): Promise<Uint8Array | null>;
  /** Keeps this key unless there is one already, and says which one is kept; null where there is no such person (any more). */
  add(userId: string, sealedKey: Uint8Array): Promise<Uint8Array | null>;
}

const idPrefix = 'user.';

/** Keys in memory spare a statement for each session; a destroyed key is forgotten by every process within this time. */
const remembered = { max: 10_000, ttl: 5 * minuteMs };

/** @param masterKeys the first seals, all open */
export function createContentKeys(rows: ContentKeyRows, masterKeys: readonly MasterKey[]): ContentKeys {
  const opened = new LRUCache<string, MasterKey>(remembered);

  async function open(userId: string, sealedKey: Uint8Array): Promise<MasterKey> {
    const id = `${idPrefix}${userId}`;
    const key = { id, key: await unseal(sealedKey, nameOf(userId), masterKeys) };
    opened.set(userId, key);
    return key;
  }

  async function read(userId: string): Promise<MasterKey | undefined> {
    const known = opened.get(userId);
    if (known !== undefined) return known;
    const sealedKey = await rows.find(userId);
    return sealedKey === null ? undefined : open(userId, sealedKey);
  }

  return {
    async of(userId) {
      const known = await read(userId);
      if (known !== undefined) return known;
      const fresh = await seal(randomBytes(32), nameOf(userId), masterKeys);
      const kept = await rows.add(userId, fresh);
      // A new key would make what was sealed for an erased account readable again.
      if (kept === null) throw new ApiError('unauthenticated');
      return open(userId, kept);
    },
    find: async (keyId) => (keyId.startsWith(idPrefix) ? read(keyId.slice(idPrefix.length)) : undefined),
  };
}

/** What a key is sealed under: one that is moved to another person's row does not open. */
function nameOf(userId: string): string {
  return `content-key/${userId}`;
}
