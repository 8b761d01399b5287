import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { KeyPermission } from '../domain/tiers.ts';
import { isoUtc } from './isoUtc.ts';
import { ownRows, timestamp } from './rowSecurity.ts';
import { User } from './users.ts';

/** The API keys of accounts, stored hashed. A revoked key has no row. */
export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  indexes: [{ name: 'api_keys_user', properties: ['user', 'createdAt'] }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().fieldName('user_id').deleteRule('cascade').updateRule('no action'),
    name: p.string().length(100),
    /** SHA-256 of the key, hexadecimal. */
    keyHash: p.string().length(64).unique('api_keys_key_hash_unique'),
    /** The first letters of the key, by which its owner tells it from others. */
    prefix: p.string().length(20),
    permissions: p.json().$type<KeyPermission[]>(),
    expiresAt: timestamp().nullable(),
    lastUsedAt: timestamp().nullable(),
    createdAt: timestamp().defaultRaw('now()'),
  },
  policies: [ownRows('api_keys_owner', 'user_id')],
});
export type ApiKey = InferEntity<typeof ApiKey>;

/** A key as its owner sees it. Times are ISO 8601, UTC. */
export interface ApiKeyRecord {
  id: string;
  name: string;
  prefix: string;
  permissions: KeyPermission[];
  expiresAt: string | null;
  lastUsedAt: string | null;
  createdAt: string;
}

const columns = `
  id, name, prefix, permissions, ${isoUtc('expires_at')} as "expiresAt", ${isoUtc('last_used_at')} as "lastUsedAt",
  ${isoUtc('created_at')} as "createdAt"`;

export interface NewApiKey {
  id: string;
  userId: string;
  name: string;
  keyHash: string;
  prefix: string;
  permissions: readonly KeyPermission[];
  expiresAt: string | null;
}

/** Stores a key unless its owner has `most` already; null then. Two at once cannot pass it together. */
export async function addApiKey(
  em: EntityManager,
  { permissions, ...key }: NewApiKey,
  most: number,
): Promise<ApiKeyRecord | null> {
  return em.transactional(async (inside) => {
    await inside.execute(`select pg_advisory_xact_lock(hashtextextended('api_keys:' || :userId, 0))`, key);
    const [row] = await inside.execute<ApiKeyRecord[]>(
      `insert into api_keys (id, user_id, name, key_hash, prefix, permissions, expires_at)
       select :id, :userId, :name, :keyHash, :prefix, :permissions::jsonb, :expiresAt::timestamptz
       where (select count(*) from api_keys where user_id = :userId) < :most
       returning ${columns}`,
      { ...key, permissions: JSON.stringify(permissions), most },
    );
    return row ?? null;
  });
}

/** The keys of the user, newest first. */
export async function listApiKeys(em: EntityManager): Promise<ApiKeyRecord[]> {
  return em.execute(`select ${columns} from api_keys order by created_at desc, id`);
}

/** What an owner can change of a key; what is not named stays. */
export interface ApiKeyChange {
  name?: string | undefined;
  permissions?: readonly KeyPermission[] | undefined;
  expiresAt?: string | null | undefined;
}

/** Null when the user has no such key. */
export async function changeApiKey(
  em: EntityManager,
  id: string,
  { name, permissions, expiresAt }: ApiKeyChange,
): Promise<ApiKeyRecord | null> {
  const [row] = await em.execute<ApiKeyRecord[]>(
    `update api_keys set
       name = coalesce(:name, name),
       permissions = coalesce(:permissions::jsonb, permissions),
       expires_at = case when :changesExpiry then :expiresAt::timestamptz else expires_at end
     where id = :id
     returning ${columns}`,
    {
      id,
      name: name ?? null,
      permissions: permissions === undefined ? null : JSON.stringify(permissions),
      changesExpiry: expiresAt !== undefined,
      expiresAt: expiresAt ?? null,
    },
  );
  return row ?? null;
}

/** False when the user has no such key. */
export async function removeApiKey(em: EntityManager, id: string): Promise<boolean> {
  const rows = await em.execute<{ id: string }[]>(`delete from api_keys where id = :id returning id`, { id });
  return rows.length > 0;
}

/** Which of these keys are still good. It takes the service's manager. */
export async function goodApiKeys(em: EntityManager, ids: string[]): Promise<string[]> {
  const good = { id: { $in: ids }, $or: [{ expiresAt: null }, { expiresAt: { $gt: new Date() } }] };
  return (await em.find(ApiKey, good, { fields: ['id'] })).map(({ id }) => id);
}

/** What a key says that somebody shows. */
export interface ShownApiKey {
  id: string;
  userId: string;
  permissions: KeyPermission[];
  /** In milliseconds since 1970; null where it does not end. */
  expiresAtMs: number | null;
}

/** How long the time of the last use may be behind, so that a busy key is not one write a request. */
const lastUseSeconds = 60;

/** The key of this hash, unless it has ended; it is written down that it was used. It takes the service's manager. */
export async function useApiKey(em: EntityManager, keyHash: string): Promise<ShownApiKey | null> {
  const [row] = await em.execute<(ShownApiKey & { lastUseIsOld: boolean })[]>(
    `select id, user_id as "userId", permissions, (extract(epoch from expires_at) * 1000)::float8 as "expiresAtMs",
       coalesce(last_used_at < now() - make_interval(secs => ${lastUseSeconds}), true) as "lastUseIsOld"
     from api_keys where key_hash = :keyHash and coalesce(expires_at > now(), true)`,
    { keyHash },
  );
  if (row === undefined) return null;
  const { lastUseIsOld, ...key } = row;
  if (lastUseIsOld) await em.execute(`update api_keys set last_used_at = now() where id = :id`, { id: key.id });
  return key;
}
