import { Secret } from 'otpauth';
import { findAccount, type Account } from '../../db/accounts.ts';
import {
  beginTotp,
  confirmTotp,
  countRecoveryCodes,
  findTotp,
  removeTotp,
  useRecoveryCode,
  useStep,
} from '../../db/totp.ts';
import { ApiError } from '../../domain/errors.ts';
import { recoveryCodesPerAccount } from '../../domain/secondFactors.ts';
import type { NewTotp } from '../../integrations/totp.ts';
import type { ApiDeps } from '../deps.ts';
import { attemptTo } from './guarding.ts';
import { secretHash } from './secrets.ts';

/** What a person shows beside the password. */
export type ShownFactor = { code: string } | { recoveryCode: string };

/** What a second factor is shown for. */
type Purpose = 'sign_in' | 'switch_off';

/** Eighty random bits, which are sixteen characters of Base32. */
const recoveryCodeBytes = 10;

/** The second factor of accounts that have one: codes of an authenticator app, each good once, and recovery codes. */
export function createSecondFactors(deps: Pick<ApiDeps, 'attempts' | 'database' | 'links' | 'notices' | 'totp'>) {
  const { database, links, notices, totp } = deps;

  async function isRight(userId: string, shown: ShownFactor, purpose: Purpose): Promise<boolean> {
    const em = database.asService();
    if ('recoveryCode' in shown) {
      return notices.changeAccess(em, userId, async (inside, tell) => {
        const used = await useRecoveryCode(inside, userId, hashOf(shown.recoveryCode));
        // Who switches it off is told of that, which takes all of them.
        if (used && purpose === 'sign_in') await tell('recovery_code_used');
        return used;
      });
    }
    const found = await findTotp(em, userId);
    if (!found?.confirmedAt) return false;
    const step = await totp.stepOf(userId, found.secret, shown.code);
    return step !== null && (await useStep(em, userId, step));
  }

  /**
   * Holds what was shown against the account, and uses it up. It has counters of its own: those of the password begin
   * anew with each right password, which is just what somebody has who tries codes.
   *
   * @throws ApiError `wrong_code`, `too_many_attempts`
   */
  async function check(
    { id, email }: Account,
    shown: ShownFactor,
    { purpose, address }: { purpose: Purpose; address: string },
  ): Promise<void> {
    const by = { email: `second factor of ${email}`, address };
    const right = await attemptTo(deps, by, async () => ((await isRight(id, shown, purpose)) ? true : null));
    if (right === null) throw new ApiError('wrong_code');
  }

  async function isOn(userId: string): Promise<boolean> {
    return Boolean((await findTotp(database.asService(), userId))?.confirmedAt);
  }

  return {
    /** Lets an account pass whose password is enough. @throws ApiError `second_factor_required`, with the challenge */
    async askFor({ id: userId, passwordHash: about }: Account): Promise<void> {
      if (!(await isOn(userId))) return;
      const challenge = await links.tokenOf('second_factor', { userId, about });
      throw new ApiError('second_factor_required', [{ path: 'challenge', message: challenge }]);
    },

    /**
     * The account whose password was right when the challenge was made, and whose second factor is right too.
     *
     * @throws ApiError `challenge_expired`, `wrong_code`, `too_many_attempts`
     */
    async answer(challenge: string, shown: ShownFactor, address: string): Promise<Account> {
      const read = await links.read('second_factor', challenge);
      const account = read && (await findAccount(database.asService(), { id: read.userId }));
      if (read === null || account === null || !read.isAbout(account.passwordHash)) {
        throw new ApiError('challenge_expired');
      }
      await check(account, shown, { purpose: 'sign_in', address });
      return account;
    },

    /** Makes a secret that counts once it is confirmed. @throws ApiError `totp_active` */
    async begin(account: Account): Promise<NewTotp> {
      const made = await totp.make(account);
      if (!(await beginTotp(database.asService(), account.id, made.sealed))) throw new ApiError('totp_active');
      return made;
    },

    /** Lets the secret count, and answers the recovery codes. @throws ApiError `not_found`, `totp_active`, `wrong_code` */
    async confirm(userId: string, code: string): Promise<string[]> {
      const em = database.asService();
      const found = await findTotp(em, userId);
      if (found === null) throw new ApiError('not_found');
      if (found.confirmedAt) throw new ApiError('totp_active');
      const step = await totp.stepOf(userId, found.secret, code);
      if (step === null) throw new ApiError('wrong_code');
      const codes = Array.from({ length: recoveryCodesPerAccount }, newRecoveryCode);
      await notices.changeAccess(em, userId, async (inside, tell) => {
        if (!(await confirmTotp(inside, found, step, codes.map(hashOf)))) throw new ApiError('totp_active');
        await tell('totp_on');
      });
      return codes;
    },

    async state(userId: string): Promise<{ active: boolean; recoveryCodesLeft: number }> {
      const active = await isOn(userId);
      return { active, recoveryCodesLeft: await countRecoveryCodes(database.asService(), userId) };
    },

    /** @throws ApiError `not_found`, `wrong_code`, `too_many_attempts` */
    async remove(account: Account, shown: ShownFactor, address: string): Promise<void> {
      if (!(await isOn(account.id))) throw new ApiError('not_found');
      await check(account, shown, { purpose: 'switch_off', address });
      await notices.changeAccess(database.asService(), account.id, async (em, tell) => {
        if (await removeTotp(em, account.id)) await tell('totp_off');
      });
    },
  };
}

/** Four groups of four characters, such as "K7QD-…": Base32 has neither 0 nor 1. */
function newRecoveryCode(): string {
  return (new Secret({ size: recoveryCodeBytes }).base32.match(/.{4}/g) ?? []).join('-');
}

/** The same however it is typed: with or without hyphens, spaces and capitals. */
function hashOf(recoveryCode: string): string {
  const plain = recoveryCode.toUpperCase().replace(/[^A-Z2-7]/g, '');
  return secretHash(plain);
}
