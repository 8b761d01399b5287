import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Database } from '../../db/database.ts';
import { User } from '../../db/users.ts';
import { roleOf } from '../../db/roles.ts';
import { ApiError } from '../../domain/errors.ts';
import type { Role, Tier } from '../../domain/tiers.ts';
import { hashPassword, isPassword } from './passwords.ts';

export interface NewUser {
  email: string;
  username: string;
  password: string;
}

/** An account with its role. */
export interface Account {
  id: string;
  email: string;
  username: string;
  tier: Tier;
  role: Role;
  createdAt: Date;
  /** What a password was held against, and is again when a log-in begins. */
  passwordHash: string;
}

/** Creates an account. @throws ApiError `email_taken`, `username_taken` */
export async function registerUser(database: Database, { email, username, password }: NewUser): Promise<Account> {
  const em = database.asService();
  const user = em.create(User, { email, username, passwordHash: await hashPassword(password), tier: 'basic' });
  try {
    await em.flush();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    throw new ApiError(error.message.includes('users_email_key') ? 'email_taken' : 'username_taken');
  }
  return withRole(user, 'user');
}

/** The account of this id; null when it is gone. */
export async function findAccount(em: EntityManager, id: string): Promise<Account | null> {
  const user = await em.findOne(User, id);
  return user && withRole(user, await roleOf(em, id));
}

/** The account of this e-mail and password. @throws ApiError `invalid_credentials`, in the same time for either. */
export async function findAccountByPassword(database: Database, email: string, password: string): Promise<Account> {
  const em = database.asService();
  const user = await em.findOne(User, { email });
  const matches = await isPassword(user?.passwordHash ?? null, password);
  if (user === null || !matches) throw new ApiError('invalid_credentials');
  return withRole(user, await roleOf(em, user.id));
}

function withRole({ id, email, username, tier, createdAt, passwordHash }: User, role: Role): Account {
  return { id, email, username, tier, role, createdAt: createdAt ?? new Date(0), passwordHash };
}
