/** The mails that an account gets because somebody asked for them; each has a link. */
export type AccountMailKind = 'welcome' | 'confirm_email' | 'reset_password';

/** What an account's owner is told by mail because it says, or changes, who can get in. */
export const noticeKinds = [
  'password_changed',
  'email_change_asked',
  'email_changed',
  'passkey_added',
  'passkey_removed',
  'totp_on',
  'totp_off',
  'recovery_code_used',
  'api_key_made',
  'api_key_changed',
  'api_key_revoked',
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** What a mail is about: something that was asked for, or a notice of something that happened. */
export type AccountMailInput =
  { userId: string; kind: AccountMailKind } | { userId: string; kind: 'notice'; noticeId: string };
