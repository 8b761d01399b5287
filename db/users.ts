import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Role, Tier } from '../domain/tiers.ts';
import { ownRows, timestamp } from './rowSecurity.ts';

/** `users`, column for column as specified (D1). */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    email: p.string().length(255).unique('users_email_key'),
    username: p.string().length(100).unique('users_username_key'),
    passwordHash: p.string().length(255).hidden(),
    tier: p.string().$type<Tier>().length(50).default('basic'),
    createdAt: timestamp().nullable().defaultRaw('now()'),
    updatedAt: timestamp().nullable().defaultRaw('now()'),
  },
  policies: [ownRows('users_self', 'id')],
});
export type User = InferEntity<typeof User>;

/** Who was granted more than every account may; no row is the role `user`. */
export const UserRole = defineEntity({
  name: 'UserRole',
  tableName: 'user_roles',
  properties: {
    user: () =>
      p.manyToOne(User).mapToPk().fieldName('user_id').primary().deleteRule('cascade').updateRule('no action'),
    role: p.string().$type<Exclude<Role, 'user'>>().length(20),
    grantedAt: timestamp().defaultRaw('now()'),
  },
  policies: [ownRows('user_roles_self', 'user_id')],
});
export type UserRole = InferEntity<typeof UserRole>;
