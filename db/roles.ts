import type { EntityManager } from '@mikro-orm/postgresql';
import type { Role } from '../domain/tiers.ts';
import { User, UserRole } from './users.ts';

/** The role of an account: `user` unless another was granted. */
export async function roleOf(em: EntityManager, userId: string): Promise<Role> {
  const granted = await em.findOne(UserRole, { user: userId });
  return granted?.role ?? 'user';
}

/** Gives the account of this e-mail a role; `user` takes back what was granted. False when there is no such account. */
export async function grantRole(em: EntityManager, email: string, role: Role): Promise<boolean> {
  const user = await em.findOne(User, { email: email.trim().toLowerCase() });
  if (user === null) return false;
  if (role === 'user') await em.nativeDelete(UserRole, { user: user.id });
  else await em.upsert(UserRole, { user: user.id, role, grantedAt: new Date() });
  return true;
}
