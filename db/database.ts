import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import type { Client, Pool, PoolClient } from 'pg';
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
 * How long statements in the background may take once the pool closes. After that their connections are cut: the pool
 * would wait for each as long as PostgreSQL does not answer.
 */
const closeLimitMs = 5 * secondMs;

/** How long PostgreSQL may leave somebody waiting; after that whoever waits is told that it is not reachable. */
export interface DatabasePatience {
  /** For a connection: a free one of the pool, or a new one. */
  connectMs: number;
  /** For the next word of an answer. A connection on which none comes is given up, so that it does not fill the pool. */
  answerMs: number;
}

interface DatabaseOptions {
  url: string;
  /** The most connections of this process. */
  poolMax: number;
  /** Without end unless given: for migrations, and whoever else has all the time that it takes. */
  patience?: DatabasePatience;
}

/** Opens the pool; nothing is connected until the first query. */
export function openDatabase({ url, poolMax, patience }: DatabaseOptions): Database {
  let pool: Pool | undefined;
  const held = new Set<PoolClient>();
  const orm = new MikroORM({
    clientUrl: url,
    entities,
    extensions: [Migrator],
    migrations: { migrationsList: migrations, tableName: 'schema_migrations', snapshot: false, silent: true },
    // Where the database was lost, an empty one in its place would look like a platform without people.
    ensureDatabase: false,
    // Functions are the migrations' own.
    schemaGenerator: { ignoreRoutines: true },
    pool: { min: 0, max: poolMax },
    driverOptions: {
      connectionTimeoutMillis: patience?.connectMs,
      onPoolCreated: (created: Pool) => {
        pool = created;
        giveBackLost(created, held);
        if (patience !== undefined) {
          created.on('connect', (client) => {
            giveUpUnanswered(client, patience.answerMs);
          });
        }
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
      for (const client of held) client.connection.stream.destroy();
      await orm.close(true);
    },
  };
}

/**
 * Whoever is in a transaction when its connection is lost can neither commit nor roll back, and Kysely gives back only
 * the connections of those who could: each loss would take one more place in the pool, until none is left.
 */
function giveBackLost(pool: Pool, held: Set<PoolClient>): void {
  pool.on('acquire', (client) => held.add(client));
  pool.on('release', (_error, client) => held.delete(client));
  pool.on('connect', (client) => {
    client.once('end', () => {
      if (!held.has(client)) return;
      client.release(true);
      // Who gives it back after all does no harm.
      client.release = () => undefined;
    });
  });
}

/**
 * A server that hangs, or a machine that is gone without a word, is no error to the driver: it waits until the system
 * gives the connection up, for a quarter of an hour. A transaction in which nothing is asked may be silent.
 */
function giveUpUnanswered(client: Client, limitMs: number): void {
  const { stream } = client.connection;
  if (!(stream instanceof Socket)) return;
  let answeredBytes = stream.bytesWritten;
  client.on('drain', () => {
    answeredBytes = stream.bytesWritten;
  });
  stream.setTimeout(limitMs, () => {
    if (stream.bytesWritten === answeredBytes) return;
    stream.destroy(Object.assign(new Error('PostgreSQL does not answer'), { code: 'ETIMEDOUT' }));
  });
}
