import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Database } from './database.ts';
import { timestamp } from './rowSecurity.ts';

/** Each person's key to what they recorded, sealed by the master key. Destroying the row is what makes a copy worthless. */
export const ContentKey = defineEntity({
  name: 'ContentKey',
  tableName: 'content_keys',
  properties: {
    userId: p.uuid().primary(),
    sealedKey: p.blob(),
    createdAt: timestamp().defaultRaw('now()'),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type ContentKey = InferEntity<typeof ContentKey>;

/** The sealed keys as rows. Keys are the service's own: no policy lets the gateway see one. */
export function contentKeyRows(database: Database) {
  return {
    async find(userId: string): Promise<Uint8Array | null> {
      const row = await database.asService().findOne(ContentKey, userId);
      return row?.sealedKey ?? null;
    },
    async add(userId: string, sealedKey: Uint8Array): Promise<Uint8Array | null> {
      // The update that changes nothing makes the statement answer the row that another process was faster with.
      const [row] = await database.asService().execute<{ sealed_key: Uint8Array }[]>(
        `insert into content_keys (user_id, sealed_key)
         select id, decode(:sealedKey, 'hex') from users where id = :userId for key share
         on conflict (user_id) do update set user_id = excluded.user_id
         returning sealed_key`,
        { userId, sealedKey: Buffer.from(sealedKey).toString('hex') },
      );
      return row?.sealed_key ?? null;
    },
  };
}
