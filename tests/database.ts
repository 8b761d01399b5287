import { randomUUID } from 'node:crypto';
import { confirmEmail } from '../db/accountStates.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { User } from '../db/users.ts';
import { insertSession, type NewSession } from '../db/sessionSteps.ts';
import { readConfig } from '../config.ts';

/** The test stack's database, migrated by `npm test`. Close it when the tests are done. */
export function openTestDatabase(): Database {
  return openDatabase({ url: readConfig().DATABASE_URL, poolMax: 4 });
}

/** A user of their own for a test, with a confirmed e-mail, so that tests do not see each other's rows. */
export async function newUser(database: Database, email?: string): Promise<User> {
  const em = database.asService();
  const name = `u-${randomUUID()}`;
  const user = em.create(User, {
    email: email ?? `${name}@example.com`,
    username: name,
    passwordHash: 'none',
    tier: 'basic',
  });
  await em.flush();
  await confirmEmail(em, user.id);
  return user;
}

/** A session that has been created and not begun. */
export async function newSession(database: Database, userId: string, given: Partial<NewSession> = {}): Promise<string> {
  const id = randomUUID();
  await insertSession(database.asService(), {
    id,
    userId,
    sessionType: 'dowsing',
    cue: 'Is it here?',
    metadata: null,
    fingerprint: 'f'.repeat(64),
    contentKey: `sessions/${id}/content/1`,
    hasImpressions: true,
    ...given,
  });
  return id;
}
