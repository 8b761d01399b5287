import type { EntityManager } from '@mikro-orm/postgresql';
import type { Role, Standing, Tier } from '../domain/tiers.ts';
import { User, UserRole } from './users.ts';

/** The role of an account: `user` unless another was granted. */
export async function roleOf(em: EntityManager, userId: string): Promise<Role> {
  const granted = await em.findOne(UserRole, { user: userId });
  return granted?.role ?? 'user';
}

/** What decides over what an account may do; null when there is no such account. */
export async function standingOf(em: EntityManager, userId: string): Promise<Standing | null> {
  const user = await em.findOne(User, userId);
  return user && { tier: user.tier, role: await roleOf(em, userId) };
}

/** An account that was given a role or a tier. */
export interface Granted {
  userId: string;
  standing: Standing;
}

const findByEmail = (em: EntityManager, email: string) => em.findOne(User, { email: email.trim().toLowerCase() });

/** Gives the account of this e-mail a role; `user` takes back what was granted. Null when there is no such account. */
export async function grantRole(em: EntityManager, email: string, role: Role): Promise<Granted | null> {
  const user = await findByEmail(em, email);
  if (user === null) return null;
  if (role === 'user') await em.nativeDelete(UserRole, { user: user.id });
  else await em.upsert(UserRole, { user: user.id, role, grantedAt: new Date() });
  return { userId: user.id, standing: { tier: user.tier, role } };
}

/** Lifts the account of this e-mail to a tier, or lowers it. Null when there is no such account. */
export async function changeTier(em: EntityManager, email: string, tier: Tier): Promise<Granted | null> {
  const user = await findByEmail(em, email);
  if (user === null) return null;
  await em.nativeUpdate(User, user.id, { tier, updatedAt: new Date() });
  return { userId: user.id, standing: { tier, role: await roleOf(em, user.id) } };
}
