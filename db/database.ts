import { setTimeout as pause } from 'node:timers/promises';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import type { Pool } from 'pg';
import { secondMs } from '../domain/time.ts';
import { entities } from './entities.ts';
import { gatewayRole } from './rowSecurity.ts';
import { migrations } from './migrations/index.ts';

export interface Database {
  readonly orm: MikroORM;
  /** Works as the gateway for one user: row-level security hides every row of anybody else. */
  asUser(userId: string): EntityManager;
  /** Works as the service itself, over all users: for steps, log-in and provisioning, never for a client's query. */
  asService(): EntityManager;
  /** Throws when the database does not answer. */
  check(): Promise<void>;
  /** Connections in use right now. */
  activeConnections(): number;
  close(): Promise<void>;
}

/**
 * How long statements in the background may take once the pool closes. A connection that is being handed out just then
 * is never given back, and the pool would wait for it for ever.
 */
const closeLimitMs = 5 * secondMs;

/** Opens the pool; nothing is connected until the first query. `poolMax` is the most connections of this process. */
export function openDatabase(options: { url: string; poolMax: number }): Database {
  let pool: Pool | undefined;
  const orm = new MikroORM({
    clientUrl: options.url,
    entities,
    extensions: [Migrator],
    migrations: { migrationsList: migrations, tableName: 'schema_migrations', snapshot: false, silent: true },
    // Where the database was lost, an empty one in its place would look like a platform without people.
    ensureDatabase: false,
    // Functions are the migrations' own.
    schemaGenerator: { ignoreRoutines: true },
    pool: { min: 0, max: options.poolMax },
    driverOptions: {
      onPoolCreated: (created: Pool) => {
        pool = created;
      },
    },
    // Queries carry cue and results as parameters, so the ORM logs none of them.
    debug: false,
    forceUtcTimezone: true,
  });
  const activeConnections = (): number => (pool ? pool.totalCount - pool.idleCount : 0);
  return {
    orm,
    asUser: (userId) => {
      const em = orm.em.fork();
      // The role as a setting beside the other: `set role` would be one more round trip in each transaction.
      em.setSessionContext({ variables: { 'app.user_id': userId, role: gatewayRole } });
      return em;
    },
    asService: () => orm.em.fork(),
    check: async () => {
      await orm.em.fork().execute('select 1');
    },
    activeConnections,
    close: async () => {
      const deadlineMs = Date.now() + closeLimitMs;
      while (activeConnections() > 0 && Date.now() < deadlineMs) await pause(5);
      await orm.close(true);
    },
  };
}
