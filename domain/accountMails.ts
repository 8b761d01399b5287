/** The mails that an account gets about itself. */
export const accountMailKinds = ['welcome', 'confirm_email', 'reset_password'] as const;
export type AccountMailKind = (typeof accountMailKinds)[number];
