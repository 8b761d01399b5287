import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as newUuid } from 'uuid';
import { insertNotice, noticesToSend } from '../../db/accountNotices.ts';
import type { Database } from '../../db/database.ts';
import type { NoticeKind } from '../../domain/accountMails.ts';
import type { Logger } from '../../observability/logger.ts';
import type { WorkflowClient } from '../../temporal/client.ts';

/** Writes down what the owner is told; at another address than the account's where one is given. */
type Tell = (kind: NoticeKind, email?: string) => Promise<void>;

/**
 * Changes of how somebody gets into an account, of which its owner is told by mail. What is told is committed with the
 * change, so neither comes without the other. No request waits for the mail to be begun: while Temporal is gone it stays
 * written down, and is begun along with a later one.
 */
export interface Notices {
  /** Makes a change in a transaction; `em` is the owner's or the service's. */
  changeAccess<T>(
    em: EntityManager,
    userId: string,
    change: (inside: EntityManager, tell: Tell) => Promise<T>,
  ): Promise<T>;
  /** Resolves once no mail is being begun; whoever closes what they are begun with waits for it. */
  settled(): Promise<void>;
}

export interface NoticesDeps {
  database: Database;
  logger: Logger;
  workflows: Pick<WorkflowClient, 'sendAccountMail'>;
}

/** Writes a notice down in the transaction that it tells of, and begins its mail once that is committed. */
export function createNotices({ database, logger, workflows }: NoticesDeps): Notices {
  const begun = new Set<Promise<void>>();

  async function beginMails(userId: string): Promise<void> {
    try {
      for (const notice of await noticesToSend(database.asService(), userId)) {
        await workflows.sendAccountMail({ userId: notice.userId, kind: 'notice', noticeId: notice.id });
      }
    } catch (error) {
      logger.warn({ user_id: userId, error }, 'a mail about a change of an account could not be begun');
    }
  }

  return {
    async changeAccess(em, userId, change) {
      let toldCount = 0;
      const changed = await em.transactional((inside) =>
        change(inside, async (kind, email) => {
          await insertNotice(inside, { id: newUuid(), userId, kind, email });
          toldCount += 1;
        }),
      );
      if (toldCount > 0) {
        const beginning = beginMails(userId).finally(() => begun.delete(beginning));
        begun.add(beginning);
      }
      return changed;
    },
    settled: async () => {
      await Promise.all(begun);
    },
  };
}
