import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ownRows, timestamp } from './rowSecurity.ts';
import { User } from './users.ts';

/** What we keep of an account beside the specified columns of `users`. */
export const AccountState = defineEntity({
  name: 'AccountState',
  tableName: 'account_states',
  properties: {
    user: () =>
      p.manyToOne(User).mapToPk().fieldName('user_id').primary().deleteRule('cascade').updateRule('no action'),
    /** When the person showed that the e-mail is theirs. */
    emailConfirmedAt: timestamp().nullable(),
    /** The e-mail that the person asked for; it takes the other's place once it is confirmed. */
    pendingEmail: p.string().length(255).nullable(),
  },
  policies: [ownRows('account_states_owner', 'user_id')],
});
export type AccountState = InferEntity<typeof AccountState>;

/** The person showed that the account's e-mail is theirs. */
export async function confirmEmail(em: EntityManager, userId: string): Promise<void> {
  await em.execute(
    `insert into account_states (user_id, email_confirmed_at) values (:userId, now())
     on conflict (user_id) do update set email_confirmed_at = coalesce(account_states.email_confirmed_at, now())`,
    { userId },
  );
}
