import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Database } from '../../db/database.ts';
import { User } from '../../db/entities.ts';
import { ApiError } from '../../domain/errors.ts';
import { hashPassword, isPassword } from './passwords.ts';

export interface NewUser {
  email: string;
  username: string;
  password: string;
}

/** Creates an account. @throws ApiError `email_taken`, `username_taken` */
export async function registerUser(database: Database, { email, username, password }: NewUser): Promise<User> {
  const em = database.asService();
  const user = em.create(User, { email, username, passwordHash: await hashPassword(password), tier: 'basic' });
  try {
    await em.flush();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    throw new ApiError(error.message.includes('users_email_key') ? 'email_taken' : 'username_taken');
  }
  return user;
}

/** The account of this e-mail and password. @throws ApiError `invalid_credentials`, in the same time for either. */
export async function findUserByPassword(database: Database, email: string, password: string): Promise<User> {
  const user = await database.asService().findOne(User, { email });
  const matches = await isPassword(user?.passwordHash ?? null, password);
  if (user === null || !matches) throw new ApiError('invalid_credentials');
  return user;
}
