import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { standingOf } from '../../db/roles.ts';
import { roles, tiers, type Standing } from '../../domain/tiers.ts';
import type { SessionCache } from '../../integrations/sessionCache.ts';

const standingSchema = z.object({ tier: z.enum(tiers), role: z.enum(roles) });

/** What decides over what an account may do right now (`user:{id}:permissions`, D2), for whoever calls by a key. */
export interface Standings {
  /** Null when the account is gone. */
  of(userId: string): Promise<Standing | null>;
  /** Makes a change count at once; whoever changes a tier or a role calls it. */
  remember(userId: string, standing: Standing): Promise<void>;
}

/** Tier and role of accounts, from the cache and from PostgreSQL where that has none. */
export function createStandings({ database, cache }: { database: Database; cache: SessionCache }): Standings {
  const remember = (userId: string, standing: Standing) =>
    cache.cacheEntry('userPermissions', userId).put(JSON.stringify(standing));

  return {
    remember,
    of: (userId) =>
      cache.cacheEntry('userPermissions', userId).load(standingSchema, () => standingOf(database.asService(), userId)),
  };
}
