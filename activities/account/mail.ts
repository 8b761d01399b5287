import type { EntityManager } from '@mikro-orm/postgresql';
import { findNotice, removeNotice } from '../../db/accountNotices.ts';
import { AccountState } from '../../db/accountStates.ts';
import type { Database } from '../../db/database.ts';
import { countRecoveryCodes } from '../../db/totp.ts';
import { User } from '../../db/users.ts';
import type { AccountMailInput, AccountMailKind } from '../../domain/accountMails.ts';
import type { Links } from '../../integrations/links.ts';
import { MailRejectedError, type Mailer } from '../../integrations/mailer.ts';
import { finalFailure } from '../failures.ts';

interface AccountMailDeps {
  database: Database;
  mailer: Mailer;
  links: Links;
  /** Where the links in mails lead, without a slash at its end. */
  publicUrl: string;
}

/**
 * Sends a mail about an account. The link is made here, since none may stand in a workflow's history. Mail is sent at
 * least once: an attempt that dies between sending and answering sends again.
 */
export function createAccountMailActivities({ database, mailer, links, publicUrl }: AccountMailDeps) {
  async function send(kind: AccountMailKind, user: User, pendingEmail: string | null): Promise<void> {
    const { id: userId, username, email, passwordHash } = user;
    const confirming = async (to: string) => ({
      to,
      username,
      confirmUrl: publicUrl + (await links.pathOf('confirm_email', { userId, about: to })),
    });
    switch (kind) {
      case 'welcome':
        return mailer.sendWelcome(await confirming(email));
      case 'confirm_email':
        return mailer.sendConfirmation(await confirming(pendingEmail ?? email));
      case 'reset_password': {
        const path = await links.pathOf('reset_password', { userId, about: passwordHash });
        return mailer.sendPasswordReset({ to: email, username, resetUrl: publicUrl + path });
      }
    }
  }

  /** The notice goes once its mail is sent, or refused for good. */
  async function sendNotice(em: EntityManager, noticeId: string, { id, username }: User): Promise<void> {
    const notice = await findNotice(em, noticeId);
    if (notice === null) return;
    const { kind, email: to, at } = notice;
    const recoveryCodesLeft = await countRecoveryCodes(em, id);
    const forgotUrl = `${publicUrl}/account/forgot`;
    try {
      await mailer.sendNotice({ to, username, kind, at, recoveryCodesLeft, forgotUrl });
    } catch (error) {
      if (error instanceof MailRejectedError) await removeNotice(em, noticeId);
      throw error;
    }
    await removeNotice(em, noticeId);
  }

  return {
    async sendAccountMail(input: AccountMailInput): Promise<void> {
      const em = database.asService();
      const user = await em.findOne(User, input.userId);
      // Asked for an e-mail that nobody has, or the account is gone meanwhile.
      if (user === null) return;
      try {
        if (input.kind === 'notice') await sendNotice(em, input.noticeId, user);
        else {
          const state = await em.findOne(AccountState, { user: input.userId });
          await send(input.kind, user, state?.pendingEmail ?? null);
        }
      } catch (error) {
        if (error instanceof MailRejectedError) throw finalFailure('Rejected', 'The mail service refused the message');
        throw error;
      }
    },
  };
}
