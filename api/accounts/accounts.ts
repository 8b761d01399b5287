import { randomUUID } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { confirmEmail } from '../../db/accountStates.ts';
import {
  findAccount,
  removeOtherWaysIn,
  renameAccount,
  replacePasswordHash,
  setPendingEmail,
  takePendingEmail,
  unlessTaken,
  type Account,
} from '../../db/accounts.ts';
import { endLogins } from '../../db/logins.ts';
import { User } from '../../db/users.ts';
import type { AccountMailKind } from '../../domain/accountMails.ts';
import { ApiError } from '../../domain/errors.ts';
import type { LinkPurpose } from '../../integrations/links.ts';
import { WorkflowUnavailableError } from '../../temporal/client.ts';
import { attemptCounters, attemptTo } from '../auth/guarding.ts';
import { requireGoodPassword } from '../auth/passwordRules.ts';
import { hashPassword, isOutdated, isPassword } from '../auth/passwords.ts';
import { userSchema } from '../auth/schemas.ts';
import type { ApiDeps } from '../deps.ts';

export type AccountDeps = Pick<
  ApiDeps,
  'attempts' | 'cache' | 'database' | 'links' | 'logger' | 'notices' | 'revocations' | 'tokens' | 'workflows'
>;

type NewAccount = Pick<Account, 'email' | 'username'> & { password: string };
/** What is not named stays as it is. */
interface AccountChange {
  username?: string | undefined;
  email?: string | undefined;
}
/** What is cached of an account: all but what it is opened by, and what follows from the rest. */
const knownAccountSchema = userSchema.omit({ permissions: true });
type KnownAccount = Omit<Account, 'passwordHash'>;

function withoutHash({ passwordHash: _, ...known }: Account): KnownAccount {
  return known;
}

/** Everything that happens to accounts. What changes one is written through to the cache (D2). */
export function createAccounts(deps: AccountDeps) {
  const { attempts, cache, database, links, logger, notices, revocations, workflows } = deps;

  async function load(userId: string): Promise<Account> {
    const account = await findAccount(database.asService(), { id: userId });
    // The account was erased while its token was still good.
    if (account === null) throw new ApiError('unauthenticated');
    return account;
  }

  async function remember(account: Account): Promise<KnownAccount> {
    const known = withoutHash(account);
    await cache.cacheEntry('user', known.id).put(JSON.stringify(known));
    return known;
  }

  /** Has a mail sent; where that cannot even be begun, the request goes on, and the person can ask for it again. */
  async function write(userId: string, kind: AccountMailKind): Promise<void> {
    try {
      await workflows.sendAccountMail({ userId, kind });
    } catch (error) {
      if (!(error instanceof WorkflowUnavailableError)) throw error;
      logger.warn({ user_id: userId, kind, error }, 'a mail about an account could not be begun');
    }
  }

  /** Whose link this is, if it still works. @throws ApiError `link_invalid` */
  async function openLink(purpose: LinkPurpose, token: string) {
    const link = await links.read(purpose, token);
    const account = link && (await findAccount(database.asService(), { id: link.userId }));
    if (link === null || account === null) throw new ApiError('link_invalid');
    return { account, isAbout: link.isAbout };
  }

  /**
   * Puts another password in the place of the one the account was read with, and ends its log-ins but for the one that
   * it is changed by. Another e-mail that was asked for is so no longer: whoever knew the old password may have.
   */
  async function replacePassword(
    account: Account,
    newPassword: string,
    by: 'link' | { loginId: string },
  ): Promise<boolean> {
    requireGoodPassword(newPassword, 'newPassword', account);
    const change = { userId: account.id, from: account.passwordHash, to: await hashPassword(newPassword) };
    const ended = await notices.changeAccess(database.asService(), account.id, async (em, tell) => {
      if (!(await replacePasswordHash(em, change))) return null;
      await setPendingEmail(em, { id: account.id, passwordHash: change.to }, null);
      await tell('password_changed');
      const keyIds = by === 'link' ? await takeOver(em, account) : [];
      const spared = by === 'link' ? {} : { spare: by.loginId };
      return { keyIds, loginIds: await endLogins(em, { userId: account.id, ...spared }, new Date()) };
    });
    if (ended === null) return false;
    await Promise.all([revocations.revoke(ended.loginIds), revocations.announce(ended.keyIds)]);
    return true;
  }

  /**
   * Records that the e-mail is its person's. Where nobody had shown that before, somebody else may have registered it and
   * waited for its owner to come, so no way in of theirs stays. Answers the ids of the API keys that are gone.
   */
  async function takeOver(em: EntityManager, { id, emailConfirmed }: Account): Promise<string[]> {
    await confirmEmail(em, id);
    return emailConfirmed ? [] : removeOtherWaysIn(em, id);
  }

  /** At most so many mails as attempts would be let through. */
  async function mayMail(email: string, address: string): Promise<boolean> {
    const [account, source] = attemptCounters(links, { email: `mail to ${email}`, address: `mail by ${address}` });
    const retryAfterMs = source === undefined ? 0 : await attempts.begin([source]);
    if (retryAfterMs > 0) throw new ApiError('too_many_attempts', [], { retryAfterMs });
    return account !== undefined && (await attempts.begin([account])) === 0;
  }

  return {
    load,
    remember,

    /** @throws ApiError `email_taken`, `username_taken`, `validation_failed` */
    async register({ email, username, password }: NewAccount): Promise<Account> {
      requireGoodPassword(password, 'password', { email, username });
      const passwordHash = await hashPassword(password);
      const em = database.asService();
      const user = em.create(User, { email, username, passwordHash, tier: 'basic' });
      const taken = await unlessTaken(() => em.flush());
      if (taken !== undefined) throw new ApiError(taken);
      await write(user.id, 'welcome');
      return load(user.id);
    },

    /** The account of this e-mail and password; null for either that is wrong, in the same time. @throws ApiError `too_many_attempts` */
    byPassword: (email: string, password: string, address: string): Promise<Account | null> =>
      attemptTo(deps, { email, address }, async () => {
        const em = database.asService();
        const account = await findAccount(em, { email });
        const matches = await isPassword(account?.passwordHash ?? null, password);
        if (account === null || !matches) return null;
        if (!isOutdated(account.passwordHash)) return account;
        const to = await hashPassword(password);
        const change = { userId: account.id, from: account.passwordHash, to };
        return (await replacePasswordHash(em, change)) ? { ...account, passwordHash: to } : account;
      }),

    /** What is known of an account, from the cache where it is there. */
    async known(userId: string): Promise<KnownAccount> {
      const known = await cache
        .cacheEntry('user', userId)
        .load(knownAccountSchema, async () => withoutHash(await load(userId)));
      return known ?? withoutHash(await load(userId));
    },

    /** @throws ApiError `link_invalid`, `email_taken` */
    async confirm(token: string): Promise<void> {
      const { account, isAbout } = await openLink('confirm_email', token);
      const em = database.asService();
      const { id, email, pendingEmail } = account;
      if (pendingEmail !== null && isAbout(pendingEmail)) {
        const taken = await unlessTaken(() =>
          notices.changeAccess(em, id, async (inside, tell) => {
            // Whose account it was until now is told where they read it.
            if (await takePendingEmail(inside, id, pendingEmail)) await tell('email_changed', email);
          }),
        );
        if (typeof taken === 'string') throw new ApiError(taken);
      } else if (isAbout(email)) await confirmEmail(em, id);
      else throw new ApiError('link_invalid');
      await remember(await load(id));
    },

    /** Sends the link again by which the e-mail, or the one that shall take its place, is confirmed. @throws ApiError `too_many_attempts` */
    async sendConfirmation(userId: string, address: string): Promise<void> {
      const { email, emailConfirmed, pendingEmail } = await load(userId);
      if (emailConfirmed && pendingEmail === null) return;
      if (await mayMail(pendingEmail ?? email, address)) await write(userId, 'confirm_email');
    },

    /**
     * Sends a link by which to choose a new password, where the e-mail is an account's. Where it is nobody's, the same is
     * done for an account that does not exist, so that neither the answer nor its time tells.
     *
     * @throws ApiError `too_many_attempts`
     */
    async forgot(email: string, address: string): Promise<void> {
      const account = await findAccount(database.asService(), { email });
      if (!(await mayMail(email, address))) return;
      await workflows.sendAccountMail({ userId: account?.id ?? randomUUID(), kind: 'reset_password' });
    },

    /** Sets a new password by a link, once; the link shows that the e-mail is the person's. @throws ApiError `link_invalid` */
    async reset(token: string, newPassword: string): Promise<void> {
      const { account, isAbout } = await openLink('reset_password', token);
      if (!isAbout(account.passwordHash) || !(await replacePassword(account, newPassword, 'link'))) {
        throw new ApiError('link_invalid');
      }
      await attempts.succeed([{ scope: 'account', name: links.hashOf(account.email) }]);
      await remember(await load(account.id));
    },

    /** The account, once its owner has shown the password. @throws ApiError `wrong_password`, `too_many_attempts` */
    async withPassword(userId: string, password: string, address: string): Promise<Account> {
      const account = await load(userId);
      const opened = await attemptTo(deps, { email: account.email, address }, async () =>
        (await isPassword(account.passwordHash, password)) ? account : null,
      );
      if (opened === null) throw new ApiError('wrong_password');
      return opened;
    },

    /** @param loginId the log-in that goes on; all others end. @throws ApiError `wrong_password` where another change was quicker */
    async changePassword(account: Account, newPassword: string, loginId: string): Promise<void> {
      if (!(await replacePassword(account, newPassword, { loginId }))) throw new ApiError('wrong_password');
      await remember(await load(account.id));
    },

    /**
     * Changes the username, asks for another e-mail, or both; where one of them is refused, neither is done. Another e-mail
     * counts once it is confirmed, and the one that the account has is told; its own takes back what was asked for.
     *
     * @throws ApiError `username_taken`, `email_taken`, `too_many_attempts`, `wrong_password` where a change of the
     * password was quicker
     */
    async change(account: Account, { username, email }: AccountChange, address: string): Promise<void> {
      const em = database.asService();
      const asked = email === account.email ? null : email;
      const isOther = typeof asked === 'string';
      if (isOther && (await findAccount(em, { email: asked })) !== null) throw new ApiError('email_taken');
      const isMailed = isOther && (await mayMail(asked, address));
      const taken = await unlessTaken(() =>
        notices.changeAccess(em, account.id, async (inside, tell) => {
          if (username !== undefined) await renameAccount(inside, account.id, username);
          if (asked === undefined) return;
          if (!(await setPendingEmail(inside, account, asked))) throw new ApiError('wrong_password');
          if (isOther && asked !== account.pendingEmail) await tell('email_change_asked');
        }),
      );
      if (typeof taken === 'string') throw new ApiError(taken);
      if (isMailed) await write(account.id, 'confirm_email');
    },
  };
}
