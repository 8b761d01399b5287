import { defineEntity, p, UniqueConstraintViolationException, type InferEntity } from '@mikro-orm/core';
import type { SystemChanges } from '../domain/systemConfig.ts';
import type { Database } from './database.ts';
import { timestamp } from './rowSecurity.ts';

/** What operators changed of the platform's limits: each version one row, never altered, the newest counts. */
export const SystemConfigRow = defineEntity({
  name: 'SystemConfigRow',
  tableName: 'system_config',
  properties: {
    version: p.integer().autoincrement(false).primary(),
    changes: p.json().$type<SystemChanges>(),
    changedAt: timestamp().defaultRaw('now()'),
    /** Null when a command did it. */
    changedBy: p.uuid().nullable(),
  },
});
export type SystemConfigRow = InferEntity<typeof SystemConfigRow>;

/** A version of what operators changed. */
export interface SystemConfigVersion {
  /** 0 while nobody changed anything. */
  version: number;
  changes: SystemChanges;
  /** ISO 8601, UTC; null while nobody changed anything. */
  changedAt: string | null;
  changedBy: string | null;
}

const unchanged: SystemConfigVersion = { version: 0, changes: {}, changedAt: null, changedBy: null };

/** The versions as rows. They are the service's own: the gateway's role sees none. */
export function systemConfigRows(database: Database) {
  return {
    async newest(): Promise<SystemConfigVersion> {
      const [row] = await database.asService().find(SystemConfigRow, {}, { orderBy: { version: 'desc' }, limit: 1 });
      return row === undefined ? unchanged : toVersion(row);
    },

    /** Stores the version after `version`; null when somebody else did meanwhile. */
    async addAfter(
      version: number,
      { changes, by }: { changes: SystemChanges; by: string | null },
    ): Promise<SystemConfigVersion | null> {
      const em = database.asService();
      const row = em.create(SystemConfigRow, {
        version: version + 1,
        changes,
        changedAt: new Date(),
        changedBy: by,
      });
      try {
        await em.flush();
      } catch (error) {
        if (error instanceof UniqueConstraintViolationException) return null;
        throw error;
      }
      return toVersion(row);
    },
  };
}

function toVersion({ version, changes, changedAt, changedBy }: SystemConfigRow): SystemConfigVersion {
  return { version, changes, changedAt: changedAt.toISOString(), changedBy: changedBy ?? null };
}
