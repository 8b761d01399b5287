import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newSession, newUser, openTestDatabase } from '../tests/database.ts';
import type { Database } from './database.ts';
import { Session } from './entities.ts';
import { eventsAfter, findResults, findSession, listSessions } from './sessions.ts';
import { User } from './users.ts';

let database: Database;
beforeAll(() => {
  database = openTestDatabase();
});
afterAll(() => database.close());

describe('schema', () => {
  test('the migrations make exactly what the entities say (D1)', async () => {
    expect(await database.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
  });

  test('the specified tables have the specified columns (D1)', async () => {
    const columns = await database.asService().execute<{ table_name: string; column: string }[]>(
      `select table_name, column_name || ' ' || udt_name || coalesce('(' || character_maximum_length || ')', '')
         || case is_nullable when 'NO' then ' not null' else '' end as column
       from information_schema.columns
       where table_schema = 'public' and table_name in ('users', 'sessions', 'analysis_results')
       order by table_name, ordinal_position`,
    );
    const of = (table: string) => columns.filter((row) => row.table_name === table).map((row) => row.column);
    expect(of('users')).toEqual([
      'id uuid not null',
      'email varchar(255) not null',
      'username varchar(100) not null',
      'password_hash varchar(255) not null',
      'tier varchar(50) not null',
      'created_at timestamptz',
      'updated_at timestamptz',
    ]);
    expect(of('sessions')).toEqual([
      'id uuid not null',
      'user_id uuid not null',
      'cue text not null',
      'session_type varchar(50) not null',
      'status varchar(50) not null',
      'metadata jsonb',
      'created_at timestamptz',
      'completed_at timestamptz',
    ]);
    expect(of('analysis_results')).toEqual([
      'id uuid not null',
      'session_id uuid not null',
      'result_type varchar(100) not null',
      'confidence_score numeric not null',
      'data jsonb not null',
      'created_at timestamptz',
    ]);
  });
});

describe('row-level security', () => {
  test("the gateway sees its user's rows and nobody else's (I5)", async () => {
    const [owner, stranger] = [await newUser(database), await newUser(database)];
    const id = await newSession(database, owner.id);

    expect(await findSession(database.asUser(owner.id), id)).toMatchObject({ id, userId: owner.id });
    const asStranger = () => database.asUser(stranger.id);
    expect(await findSession(asStranger(), id)).toBeNull();
    expect(await eventsAfter(asStranger(), id, 0)).toEqual([]);
    expect(await findResults(asStranger(), id)).toEqual([]);
    expect((await listSessions(asStranger(), { limit: 10, sort: '-createdAt' })).rows).toEqual([]);
    expect(await asStranger().count(User)).toBe(1);
  });

  test('without a user the gateway sees nothing at all (I5)', async () => {
    const owner = await newUser(database);
    await newSession(database, owner.id);
    const em = database.orm.em.fork();
    em.setSessionContext({ role: 'mindpeeker_gateway' });
    expect(await em.count(Session)).toBe(0);
    expect(await em.count(User)).toBe(0);
  });

  test('the gateway can neither change a status nor delete, nor read tokens (I5)', async () => {
    const owner = await newUser(database);
    const id = await newSession(database, owner.id);
    const em = () => database.asUser(owner.id);
    await expect(em().execute(`update sessions set status = 'completed' where id = ?`, [id])).rejects.toThrow(
      /permission denied/,
    );
    await expect(em().execute(`delete from sessions where id = ?`, [id])).rejects.toThrow(/permission denied/);
    await expect(em().execute(`select * from refresh_tokens`)).rejects.toThrow(/permission denied/);
    await expect(em().execute(`select * from billing_accounts`)).rejects.toThrow(/permission denied/);
  });
});

test('connections are counted while they are in use (I2)', async () => {
  expect(database.activeConnections()).toBe(0);
  await database.asService().transactional(async (em) => {
    await em.execute('select 1');
    expect(database.activeConnections()).toBe(1);
  });
});
