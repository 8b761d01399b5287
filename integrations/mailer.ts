import { Client } from '@sendgrid/client';
import { MailService } from '@sendgrid/mail';
import type { NoticeKind } from '../domain/accountMails.ts';
import type { MailField } from '../domain/dataClasses.ts';
import type { SessionType } from '../domain/session.ts';
import { secondMs } from '../domain/time.ts';

/** Thrown when SendGrid says that the mail, or our key, is wrong: sending the same again cannot help. */
export class MailRejectedError extends Error {
  override readonly name = 'MailRejectedError';
}

/** The templates of the specification (X2). */
const templates = { welcome: 'd-1234567890', analysisComplete: 'd-1122334455' } as const;

/**
 * Transactional mail by SendGrid (X2). A mail names the person and the session; cue, impressions and results are never
 * in it (I5). SendGrid takes no idempotency key, so a mail whose answer was lost may be sent twice; its custom
 * arguments tell the two apart. Errors other than `MailRejectedError` may pass by trying again.
 */
export interface Mailer {
  sendWelcome(mail: ConfirmationMail): Promise<void>;
  /** Asks for the confirmation of an e-mail, once more or of another one. */
  sendConfirmation(mail: ConfirmationMail): Promise<void>;
  sendPasswordReset(mail: { to: string; username: string; resetUrl: string }): Promise<void>;
  /** Tells of what the owner of an account has to know about who can get in. */
  sendNotice(mail: NoticeMail): Promise<void>;
  sendAnalysisComplete(mail: {
    to: string;
    username: string;
    sessionId: string;
    sessionType: SessionType;
    sessionUrl: string;
  }): Promise<void>;
}

export interface ConfirmationMail {
  to: string;
  username: string;
  confirmUrl: string;
}

export interface NoticeMail {
  to: string;
  username: string;
  kind: NoticeKind;
  /** When it happened. */
  at: Date;
  /** How many recovery codes the account has by now. */
  recoveryCodesLeft: number;
  /** Where a link to choose a new password is asked for. */
  forgotUrl: string;
}

/** Words that live at SendGrid, or words of our own. */
type MailContent =
  | { templateId: string; dynamicTemplateData: Partial<Record<MailField, string>> }
  | { subject: string; text: string; trackingSettings: { clickTracking: { enable: boolean } } };

export interface MailerOptions {
  apiKey: string;
  /** SendGrid itself unless given. */
  apiBase?: string | undefined;
  /** The sender's address. */
  from: string;
  /** The longest one call waits. Default 10,000. */
  timeoutMs?: number;
}

/** Tries nothing again by itself: each attempt is Temporal’s. */
export function createMailer({ apiKey, apiBase, from, timeoutMs = 10 * secondMs }: MailerOptions): Mailer {
  const client = new Client();
  client.setApiKey(apiKey);
  // Setting the key resets the address, so the address comes second.
  if (apiBase !== undefined) client.setDefaultRequest('baseUrl', apiBase);
  const mail = new MailService();
  mail.setClient(client);
  mail.setTimeout(timeoutMs);

  async function deliver(message: MailContent & { to: string; customArgs: Record<string, string> }): Promise<void> {
    try {
      await mail.send({ from: { email: from, name: 'MindPeeker' }, ...message });
    } catch (error) {
      throw rejectionOf(error) ?? error;
    }
  }

  function send(
    to: string,
    templateId: string,
    dynamicTemplateData: Partial<Record<MailField, string>>,
    customArgs: Record<string, string>,
  ): Promise<void> {
    return deliver({ to, templateId, dynamicTemplateData, customArgs });
  }

  /** What the specification names no template for is a text without any decoration, which no click is counted in. */
  function sendPlain(to: string, subject: string, text: string, customArgs: Record<string, string>): Promise<void> {
    return deliver({ to, subject, text, customArgs, trackingSettings: { clickTracking: { enable: false } } });
  }

  return {
    sendWelcome: ({ to, username, confirmUrl }) =>
      send(to, templates.welcome, { username, confirm_url: confirmUrl }, { mail: 'welcome' }),
    sendConfirmation: ({ to, username, confirmUrl }) =>
      sendPlain(
        to,
        'Confirm your e-mail',
        `Hello ${username},\n\nopen this link to confirm that this e-mail is yours. It works for three days.\n\n${confirmUrl}\n\nIf you did not ask for it, nothing needs to be done.\n`,
        { mail: 'confirm_email' },
      ),
    sendPasswordReset: ({ to, username, resetUrl }) =>
      sendPlain(
        to,
        'Choose a new password',
        `Hello ${username},\n\nopen this link to choose a new password. It works for an hour, and once.\n\n${resetUrl}\n\nIf you did not ask for it, nothing needs to be done: your password stays as it is.\n`,
        { mail: 'reset_password' },
      ),
    sendNotice: (notice) => {
      const { subject, text } = wordsOf(notice);
      return sendPlain(notice.to, subject, text, { mail: notice.kind });
    },
    sendAnalysisComplete: ({ to, username, sessionId, sessionType, sessionUrl }) =>
      send(
        to,
        templates.analysisComplete,
        { username, session_type: sessionType.replace('_', ' '), session_url: sessionUrl },
        { mail: 'analysis_complete', session_id: sessionId },
      ),
  };
}

const notices: Record<NoticeKind, { subject: string; what: string }> = {
  password_changed: { subject: 'Your password was changed', what: 'the password of your account was changed' },
  email_change_asked: {
    subject: 'Another e-mail was asked for',
    what: 'another e-mail was asked for, which takes the place of this one once it is confirmed',
  },
  email_changed: {
    subject: 'Your e-mail was changed',
    what: 'your account has another e-mail now, and is no longer opened by this one',
  },
  passkey_added: { subject: 'A passkey was added', what: 'a passkey was added to your account, which opens it' },
  passkey_removed: { subject: 'A passkey was removed', what: 'a passkey was taken from your account' },
  totp_on: { subject: 'The second factor is on', what: 'codes of an authenticator app are asked for from now on' },
  totp_off: { subject: 'The second factor is off', what: 'your password alone opens your account again' },
  recovery_code_used: {
    subject: 'A recovery code was used',
    what: 'your password and a recovery code were used to sign in, in the place of a code of your app',
  },
  api_key_made: { subject: 'An API key was made', what: 'an API key was made, by which programs use your account' },
  api_key_changed: {
    subject: 'An API key was changed',
    what: 'what an API key of your account may do, or when it ends, was changed',
  },
  api_key_revoked: {
    subject: 'An API key was revoked',
    what: 'an API key was revoked, and opens your account no more',
  },
};

const timeFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/** What happened, when, and what to do where it was somebody else. */
function wordsOf({ kind, username, at, recoveryCodesLeft, forgotUrl }: NoticeMail): { subject: string; text: string } {
  const { subject, what } = notices[kind];
  const help =
    kind === 'email_changed'
      ? 'If it was not you, answer this mail at once: somebody else can get into your account, and you cannot.'
      : `If it was not you, choose a new password at once, which ends every log-in and takes back an e-mail that waits to be confirmed:\n\n${forgotUrl}\n\nThen take away the passkeys and API keys that are not yours. If you cannot get in, answer this mail.`;
  const left = kind === 'recovery_code_used' ? ` Recovery codes that are left: ${recoveryCodesLeft}.` : '';
  const text = `Hello ${username},\n\n${what}. That was on ${timeFormat.format(at)} UTC.${left}\n\nIf it was you, nothing needs to be done. ${help}\n`;
  return { subject, text };
}

/** An answer of 4xx is final, but for 408 and 429; SendGrid's words may quote the address, so only its fields are kept. */
function rejectionOf(error: unknown): MailRejectedError | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined;
  const { code: status } = error;
  if (status < 400 || status >= 500 || status === 408 || status === 429) return undefined;
  return new MailRejectedError(`SendGrid refused the mail (${[status, ...fieldsOf(error)].join(', ')}).`);
}

/** The fields that SendGrid names in `{ errors: [{ field }] }`. */
function fieldsOf(error: object): string[] {
  const errors = at(at(at(error, 'response'), 'body'), 'errors');
  if (!Array.isArray(errors)) return [];
  return errors.map((entry: unknown) => at(entry, 'field')).filter((field) => typeof field === 'string');
}

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}
