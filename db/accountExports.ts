import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import type { KeptContent } from '../domain/content.ts';
import { tables, type DataClass, type TableName } from '../domain/dataClasses.ts';
import { ownRows, timestamp } from './rowSecurity.ts';

export const exportStates = ['running', 'ready', 'failed', 'expired'] as const;
export type ExportState = (typeof exportStates)[number];

/** An archive of everything that the platform holds of a person, and how far its making is. */
export const AccountExport = defineEntity({
  name: 'AccountExport',
  tableName: 'account_exports',
  indexes: [{ name: 'account_exports_user', properties: ['userId', 'createdAt'] }],
  uniques: [{ name: 'account_exports_one_running', properties: ['userId'], where: `(state)::text = 'running'::text` }],
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid(),
    state: p.string().$type<ExportState>().length(20).default('running'),
    /** How many of the sessions are in it so far. */
    sessionsDone: p.integer().default(0),
    sessions: p.integer().nullable(),
    bytes: p.bigint('number').nullable(),
    createdAt: timestamp().defaultRaw('now()'),
    readyAt: timestamp().nullable(),
    /** When the archive is removed again. */
    expiresAt: timestamp().nullable(),
  },
  policies: [ownRows('account_exports_owner', 'user_id')],
});
export type AccountExport = InferEntity<typeof AccountExport>;

/** Begins an export, or finds the one that is being made. `em` is the owner's. */
export async function requestExport(em: EntityManager, userId: string, id: string): Promise<AccountExport> {
  for (;;) {
    await em.execute(
      `insert into account_exports (id, user_id) values (:id, :userId)
       on conflict (user_id) where state = 'running' do nothing`,
      { id, userId },
    );
    const running = await em.findOne(AccountExport, { userId, state: 'running' });
    // One that came to its end between the two statements is not found; then nothing is in the way of another.
    if (running !== null) return running;
  }
}

/** The newest export; null when none was ever asked for. */
export function newestExport(em: EntityManager, userId: string): Promise<AccountExport | null> {
  return em.findOne(AccountExport, { userId }, { orderBy: { createdAt: 'desc' } });
}

/** Null when the account was erased meanwhile. */
export function findExport(em: EntityManager, id: string): Promise<AccountExport | null> {
  return em.findOne(AccountExport, id);
}

/** False when the account was erased meanwhile. */
export async function updateExport(
  em: EntityManager,
  id: string,
  change: Partial<Omit<AccountExport, 'id' | 'userId' | 'createdAt'>>,
): Promise<boolean> {
  return (await em.nativeUpdate(AccountExport, id, change)) > 0;
}

/** Tables whose rows belong to an account, and those whose rows belong to one of its sessions. */
export const accountTables = tablesOwnedBy((owner) => owner !== null && owner !== 'session_id');
export const sessionTables = tablesOwnedBy((owner) => owner === 'session_id');

function tablesOwnedBy(matches: (owner: string | null) => boolean): TableName[] {
  return Object.entries(tables)
    .filter(([, { owner }]) => matches(owner))
    .map(([name]) => name)
    .filter((name): name is TableName => name in tables);
}

/** Every row of the table that belongs to this account or session, without secrets. */
export function rowsOf(em: EntityManager, table: TableName, ownerId: string): Promise<Record<string, unknown>[]> {
  const { owner, columns } = tables[table];
  if (owner === null) throw new Error(`Rows of ${table} belong to nobody`);
  const shown = Object.entries<DataClass>(columns).filter(([, dataClass]) => dataClass !== 'secret');
  return em.execute(
    `select ${shown.map(([column]) => `"${column}"`).join(', ')} from ${table} where ${owner} = :ownerId`,
    {
      ownerId,
    },
  );
}

/** The sessions of the account that are not erased. */
export async function sessionsOf(em: EntityManager, userId: string): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(`select id from sessions where user_id = :userId order by id`, {
    userId,
  });
  return rows.map(({ id }) => id);
}

/** Where the content of a session lies, and what its row keeps of it; null when it was erased. */
export async function contentOf(
  em: EntityManager,
  sessionId: string,
): Promise<(KeptContent & { contentKey: string }) | null> {
  const [row] = await em.execute<(KeptContent & { contentKey: string })[]>(
    `select st.content_key as "contentKey", s.cue, s.metadata
     from sessions s join session_states st on st.session_id = s.id where s.id = :sessionId`,
    { sessionId },
  );
  return row ?? null;
}
