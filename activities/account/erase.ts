import { eraseAccountRows, sessionsLeft } from '../../db/accountErasures.ts';
import { findCustomer } from '../../db/bills.ts';
import type { Database } from '../../db/database.ts';
import type { AccountArchives } from '../../integrations/accountArchives.ts';
import type { Billing } from '../../integrations/billing.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import type { SessionCache } from '../../integrations/sessionCache.ts';
import { closeDoors } from '../../operations/erasures.ts';

interface EraseAccountDeps {
  database: Database;
  archives: AccountArchives;
  billing: Billing;
  cache: SessionCache;
  revocations: Revocations;
}

/** How many sessions are erased in one go. */
const batch = 50;

/** Erases an account: first nobody can use it any more, then its sessions go, then all that is left of it. */
export function createEraseAccountActivities({ database, archives, billing, cache, revocations }: EraseAccountDeps) {
  return {
    closeAccount: ({ userId }: { userId: string }): Promise<void> => closeDoors({ database, revocations }, userId),

    sessionsToErase: ({ userId }: { userId: string }): Promise<string[]> =>
      sessionsLeft(database.asService(), userId, batch),

    /** False when a session came in between that has to be erased first. */
    async eraseAccount({ userId }: { userId: string }): Promise<boolean> {
      const em = database.asService();
      // Asked while the row is there: an attempt that comes again after the rows are gone has no customer to end.
      const customerId = await findCustomer(em, userId);
      if (customerId !== null) await billing.deleteCustomer(customerId);
      await archives.erase(userId);
      if (!(await eraseAccountRows(em, userId))) return false;
      // Again, since an archive that was being made is told only by now that nobody is there for it.
      await archives.erase(userId);
      await Promise.all([
        cache.cacheEntry('user', userId).forget(),
        cache.cacheEntry('userPermissions', userId).forget(),
      ]);
      return true;
    },
  };
}
