import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import type { RowCounts } from '../domain/backups.ts';
import { secondMs } from '../domain/time.ts';
import { openDatabase } from './database.ts';
import { migrations } from './migrations/index.ts';
import { gatewayRole } from './rowSecurity.ts';

/** Whole databases on a server: what a backup reads at one moment, and what a restore makes, closes and swaps. */

/** The same server and login, another database. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(name)}`;
  return other.href;
}

/** Of the connection string that names it. */
export function databaseName(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** What a role that may create databases can do with its own. */
export interface DatabaseServer {
  exists(name: string): Promise<boolean>;
  /** Makes an empty one, in the place of one of this name. */
  create(name: string): Promise<void>;
  /** Ends every connection to it first; one that is not there is no error. */
  drop(name: string): Promise<void>;
  /** Nobody gets in, and who is in is thrown out: nothing is read or written there until it is opened. */
  shut(name: string): Promise<void>;
  open(name: string): Promise<void>;
  /** Of one that nobody is connected to. */
  rename(from: string, to: string): Promise<void>;
}

/** How long whoever is in a database has to leave it. */
const shutLimitMs = 30 * secondMs;

/** Works on the server of `url` by its database `postgres`, which every server has. */
export async function onServer<T>(url: string, work: (server: DatabaseServer) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl(url, 'postgres') });
  await client.connect();
  const quoted = (name: string) => client.escapeIdentifier(name);

  async function exists(name: string): Promise<boolean> {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    return rowCount === 1;
  }

  async function drop(name: string): Promise<void> {
    await client.query(`drop database if exists ${quoted(name)} with (force)`);
  }

  try {
    return await work({
      exists,
      async create(name) {
        await drop(name);
        await client.query(`create database ${quoted(name)} template template0`);
        // Roles belong to the server and are in no dump; policies and grants name this one.
        const { rowCount } = await client.query('select from pg_roles where rolname = $1', [gatewayRole]);
        if (rowCount === 0) await client.query(`create role ${quoted(gatewayRole)} nologin`);
        await client.query(`grant ${quoted(gatewayRole)} to current_user`);
      },
      drop,
      async shut(name) {
        await client.query(`alter database ${quoted(name)} allow_connections false`);
        // PostgreSQL's own workers leave by themselves, and a superuser's session is not ours to end.
        const others = `from pg_stat_activity where datname = $1 and backend_type = 'client backend'`;
        const deadline = Date.now() + shutLimitMs;
        for (;;) {
          await client.query(`select pg_terminate_backend(pid) ${others} and usename = current_user`, [name]);
          const { rowCount } = await client.query(`select ${others}`, [name]);
          if (rowCount === 0) return;
          if (Date.now() > deadline)
            throw new Error(`Others are connected to the database ${name}: end their sessions`);
          // A backend ends a moment after it is told to.
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
      async open(name) {
        await client.query(`alter database ${quoted(name)} allow_connections true`);
      },
      async rename(from, to) {
        await client.query(`alter database ${quoted(from)} rename to ${quoted(to)}`);
      },
    });
  } finally {
    await client.end();
  }
}

/** The database as it was at one moment, for as long as it is held. */
export interface Snapshot {
  /** By which another connection sees the same. */
  id: string;
  /** What was committed before this, by the server's clock, is in it. */
  takenAt: Date;
  rows: RowCounts;
  /** The newest migration. */
  schema: string;
}

/** Holds the database as it is now while `work` reads it. */
export function withSnapshot<T>(em: EntityManager, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  return em.transactional(
    async (transaction) => {
      const [held] = await transaction.execute<{ id: string; takenAt: Date | string }[]>(
        `select pg_export_snapshot() as id, now() as "takenAt"`,
      );
      if (held === undefined) throw new Error('PostgreSQL gave no snapshot');
      const rows = await countRows(transaction);
      return work({ id: held.id, takenAt: new Date(held.takenAt), rows, schema: await newestMigration(transaction) });
    },
    { isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true },
  );
}

/** How many rows each table has. */
export async function countRows(em: EntityManager): Promise<RowCounts> {
  const tables = await em.execute<{ name: string; quoted: string }[]>(
    `select relname as name, quote_ident(relname) as quoted from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname`,
  );
  const counts: Record<string, number> = {};
  for (const { name, quoted } of tables) {
    const [row] = await em.execute<{ count: string }[]>(`select count(*) as count from ${quoted}`);
    counts[name] = Number(row?.count ?? 0);
  }
  return counts;
}

/** Whether this version of the platform knows a migration; nothing is connected for that. */
export async function knowsMigration(url: string, name: string): Promise<boolean> {
  const database = openDatabase({ url, poolMax: 1 });
  const { driver, config } = database.orm;
  const known = migrations.some((Migration) => new Migration(driver, config).name === name);
  await database.close();
  return known;
}

async function newestMigration(em: EntityManager): Promise<string> {
  const [row] = await em.execute<{ name: string }[]>(`select name from schema_migrations order by id desc limit 1`);
  return row?.name ?? '';
}
