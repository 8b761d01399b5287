import { createHash, randomUUID } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { minuteMs } from '../domain/time.ts';
import { newSession, newUser, openTestDatabase } from '../tests/database.ts';
import { gatewayRole } from './rowSecurity.ts';
import { eraseSession, recordStep } from './sessionSteps.ts';
import {
  findSession,
  listSessions,
  listStatement,
  reviseSession,
  sessionSorts,
  type SessionFilters,
  type SessionSort,
} from './sessions.ts';

const database = openTestDatabase();
afterAll(() => database.close());
const service = () => database.asService();

let owner: string;
beforeEach(async () => {
  owner = (await newUser(database)).id;
});

/** Pages through a list to its end. */
async function listed(sort: SessionSort, limit: number, filters: SessionFilters = {}): Promise<string[]> {
  const seen: string[] = [];
  let after;
  do {
    const page = await listSessions(database.asUser(owner), { sort, limit, after: after ?? undefined, ...filters });
    seen.push(...page.rows.map(({ id }) => id));
    after = page.next;
  } while (after);
  return seen;
}

const reach = (sessionId: string, status: 'analyzing' | 'cancelled') =>
  recordStep(service(), { sessionId, from: ['created'], status, step: 'analyze', type: 'analysis_started' });

describe('a list of sessions', () => {
  test('has every session once, also when they were created at the same time (A1)', async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, () => newSession(database, owner)));
    await service().execute(`update sessions set created_at = '2026-01-01 00:00:00.123456+00' where user_id = ?`, [
      owner,
    ]);
    expect(await listed('-createdAt', 3)).toEqual([...ids].sort().reverse());
    expect(await listed('createdAt', 3)).toEqual([...ids].sort());
  });

  test('sorted by its end has what has not ended as the last to end', async () => {
    const [open, first, second] = [
      await newSession(database, owner),
      await newSession(database, owner),
      await newSession(database, owner),
    ];
    await reach(first, 'cancelled');
    await reach(second, 'cancelled');
    expect(await listed('completedAt', 1)).toEqual([first, second, open]);
    expect(await listed('-completedAt', 1)).toEqual([open, second, first]);
  });

  test('is narrowed by types, statuses and the time of creation, each end as it says (A1)', async () => {
    const dowsing = await newSession(database, owner);
    const viewing = await newSession(database, owner, { sessionType: 'remote_viewing' });
    await reach(viewing, 'analyzing');
    await service().execute(`update sessions set created_at = '2026-01-02 00:00:00+00' where id = ?`, [viewing]);
    const list = (filters: SessionFilters) => listed('createdAt', 10, filters);
    expect(await list({ sessionTypes: ['dowsing'] })).toEqual([dowsing]);
    expect(await list({ sessionTypes: ['dowsing', 'remote_viewing'] })).toEqual([viewing, dowsing]);
    expect(await list({ statuses: ['analyzing', 'completed'] })).toEqual([viewing]);
    expect(await list({ createdFrom: '2026-01-02T00:00:00Z' })).toEqual([viewing, dowsing]);
    expect(await list({ createdBefore: '2026-01-02T00:00:00Z' })).toEqual([]);
    expect(await list({ createdBefore: '2026-01-02T00:00:00.001Z' })).toEqual([viewing]);
  });

  test('is searched by words of the cue, and never finds anybody else’s (A1, I5)', async () => {
    const [well, spring] = [
      await newSession(database, owner, { cue: 'Where is the old well?' }),
      await newSession(database, owner, { cue: 'Is there a spring, or an old pipe?' }),
    ];
    await newSession(database, (await newUser(database)).id, { cue: 'Where is the old well?' });
    const list = (cueWords: string) => listed('createdAt', 10, { cueWords });
    expect(await list('WELL')).toEqual([well]);
    expect(await list('old')).toEqual([well, spring]);
    expect(await list('old -pipe')).toEqual([well]);
    expect(await list('"well old"')).toEqual([]);
    expect(await list("'; drop table sessions; --")).toEqual([]);
  });
});

describe('among many sessions of two people, PostgreSQL', () => {
  // What is made here is analyzed and rolled back within one transaction, so no other test sees it.
  const em = service();
  beforeAll(async () => {
    const people = [(await newUser(database)).id, (await newUser(database)).id];
    await em.begin();
    await em.execute(
      `with made as (
         insert into sessions (user_id, cue, session_type, created_at, completed_at)
         select case when n % 2 = 0 then :one::uuid else :two::uuid end, 'cue ' || md5(n::text), 'dowsing',
                now() - n * interval '1 minute', now() - n * interval '1 minute'
         from generate_series(1, 20000) n
         returning id, user_id
       )
       insert into session_states (session_id, user_id, fingerprint, content_key, has_impressions)
       select id, user_id, '', '', true from made`,
      { one: people[0], two: people[1] },
    );
    await em.execute('analyze sessions');
    await em.execute('analyze session_states');
    await em.execute(`set local app.user_id = '${people[0] ?? ''}'`);
  });
  afterAll(() => em.rollback());

  async function planOf(sql: string, parameters: object = {}): Promise<string> {
    const rows = await em.execute<{ 'QUERY PLAN': string }[]>(`explain ${sql}`, { ...parameters });
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  }

  test.each(sessionSorts)('reads a list sorted by %s in the order of an index, and sorts nothing', async (sort) => {
    await em.execute(`set local role ${gatewayRole}`);
    const after = { time: new Date(Date.now() - 10_000 * minuteMs).toISOString(), id: randomUUID() };
    const { sql, parameters } = listStatement({ sort, limit: 20, after, statuses: ['pending'] });
    const plan = await planOf(sql, parameters);
    await em.execute('reset role');
    expect(plan).toMatch(sort.endsWith('createdAt') ? /sessions_user_created/ : /sessions_user_completed/);
    expect(plan).not.toMatch(/Sort|Seq Scan/);
  });

  test('finds words of the cue by an index that parts people', async () => {
    const [found] = await em.execute<{ body: string }[]>(
      `select prosrc as body from pg_proc where proname = 'own_sessions_with_cue'`,
    );
    const word = createHash('md5').update('8').digest('hex');
    const plan = await planOf((found?.body ?? '').replace('words)', `'${word}')`));
    expect(plan).toMatch(/sessions_cue_search/);
    expect(plan).toMatch(/Index Cond: \(\(user_id = .*\) AND \(to_tsvector/);
  });
});

describe('a change beside another one of the same session', () => {
  /** Makes the change while a transaction holds the session, and lets that go on once the change waits for it. */
  async function changeBeside(id: string, given: object, goOn: (em: EntityManager) => Promise<unknown>) {
    let changing: ReturnType<typeof reviseSession> | undefined;
    await service().transactional(async (em) => {
      await em.execute(`select from sessions where id = :id for update`, { id });
      const [self] = await em.execute<{ pid: number }[]>(`select pg_backend_pid() as pid`);
      const previousContentKey = `sessions/${id}/content/1`;
      changing = reviseSession(database.asUser(owner), { id, cue: 'Is it there?', previousContentKey, ...given });
      for (let waits = false; !waits;) {
        const [row] = await service().execute<{ waits: boolean }[]>(
          `select exists (select from pg_stat_activity where :pid = any(pg_blocking_pids(pid))) as waits`,
          self,
        );
        waits = row?.waits ?? false;
      }
      await goOn(em);
    });
    return changing;
  }
  const count = (em: EntityManager, id: string, change = '') =>
    em.execute(`update session_states set last_seq = last_seq + 1 ${change} where session_id = :id`, { id });

  test('waits for it, and none of them is given up as a deadlock (T4)', async () => {
    const id = await newSession(database, owner);
    const changed = await changeBeside(id, {}, (em) => count(em, id));
    expect(changed).toMatchObject({ event: { seq: 3 }, kept: { cue: 'Is it there?' } });
  });

  test.each([
    ['the content was replaced meanwhile', {}, `, content_key = 'another'`],
    ['anything came in between, where nothing may have', { previousSeq: 1 }, ''],
  ])('changes nothing where %s', async (_what, given, change) => {
    const id = await newSession(database, owner);
    expect(await changeBeside(id, given, (em) => count(em, id, change))).toBeNull();
    expect(await findSession(database.asUser(owner), id)).toMatchObject({ cue: 'Is it here?', lastSeq: 2 });
  });

  test('changes nothing where the session was erased meanwhile', async () => {
    const id = await newSession(database, owner);
    expect(await changeBeside(id, {}, (em) => eraseSession(em, id))).toBeNull();
  });
});
