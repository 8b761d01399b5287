import { z } from 'zod';
import type { Account } from '../../db/accounts.ts';
import { permissions, permissionsOf, roles, tiers } from '../../domain/tiers.ts';

export const emailSchema = z
  .string()
  .trim()
  .toLowerCase()
  .max(255)
  .pipe(z.email())
  .meta({ format: 'email', description: 'Upper and lower case are the same.', example: 'ada@example.org' });

export const usernameSchema = z
  .string()
  .normalize('NFC')
  // Many scripts write vowels as marks, which follow a letter.
  .regex(
    /^[\p{L}\p{N}_.-][\p{L}\p{M}\p{N}_.-]{2,99}$/u,
    'must be 3 to 100 letters, digits, dots, hyphens or underscores',
  );

/** However a keyboard puts an accented letter together, it is the same password (RFC 8265, 4.2). */
const passwordText = z.string().normalize('NFC');

export const newPasswordSchema = passwordText
  .min(12)
  .max(200)
  .meta({ description: 'Refused where it is easy to guess, or made of the e-mail or the username.' });
/** A log-in says nothing of what a password must be; a length no account can have is still not hashed. */
export const passwordSchema = passwordText.min(1).max(200);

const refreshTokenSchema = z.string().min(1).max(200);
const linkTokenSchema = z
  .string()
  .min(1)
  .max(2_000)
  .meta({ description: 'What stands behind the # of the link in the mail.' });

export const registrationSchema = z
  .strictObject({ email: emailSchema, username: usernameSchema, password: newPasswordSchema })
  .meta({ id: 'Registration' });

export const credentialsSchema = z
  .strictObject({ email: emailSchema, password: passwordSchema })
  .meta({ id: 'Credentials' });

export const refreshSchema = z.strictObject({ refreshToken: refreshTokenSchema }).meta({ id: 'Refresh' });

export const confirmationSchema = z.strictObject({ token: linkTokenSchema }).meta({ id: 'EmailConfirmation' });

export const forgottenSchema = z.strictObject({ email: emailSchema }).meta({ id: 'ForgottenPassword' });

export const resetSchema = z
  .strictObject({ token: linkTokenSchema, newPassword: newPasswordSchema })
  .meta({ id: 'PasswordReset' });

/** What an authenticator app shows. */
export const codeSchema = z
  .string()
  .regex(/^\d{6}$/, 'must be six digits')
  .meta({ example: '287082' });
const recoveryCodeSchema = z.string().min(16).max(40).describe('Hyphens, spaces and capitals do not matter.');

/** One of both. */
export const secondFactorSchema = z
  .union([z.strictObject({ code: codeSchema }), z.strictObject({ recoveryCode: recoveryCodeSchema })])
  .meta({ id: 'SecondFactor' });

const challengeSchema = z.string().min(1).max(2_000).describe('From error.details of the log-in.');
export const secondFactorLoginSchema = z
  .union([
    z.strictObject({ challenge: challengeSchema, code: codeSchema }),
    z.strictObject({ challenge: challengeSchema, recoveryCode: recoveryCodeSchema }),
  ])
  .meta({ id: 'SecondFactorLogin' });

/** What a browser gives for a passkey by `toJSON()`; what more it says is left out. */
const credentialTerms = {
  id: z.string().min(1).max(1_364),
  rawId: z.string().min(1).max(1_364),
  type: z.literal('public-key'),
};
const base64urlSchema = z.string().min(1).max(20_000);

export const newCredentialSchema = z
  .object({
    ...credentialTerms,
    response: z.object({
      clientDataJSON: base64urlSchema,
      attestationObject: base64urlSchema,
      transports: z
        .array(z.string().regex(/^[a-z0-9-]{1,30}$/))
        .max(10)
        .exactOptional(),
    }),
  })
  .meta({ id: 'NewCredential' });

export const signedCredentialSchema = z
  .object({
    ...credentialTerms,
    response: z.object({
      clientDataJSON: base64urlSchema,
      authenticatorData: base64urlSchema,
      signature: base64urlSchema,
      userHandle: z.string().min(1).max(100),
    }),
  })
  .meta({ id: 'SignedCredential' });

export const passkeyLoginSchema = z.strictObject({ credential: signedCredentialSchema }).meta({ id: 'PasskeyLogin' });

export const passkeyRequestSchema = z
  .looseObject({ challenge: z.string() })
  .meta({ id: 'PasskeyRequestOptions', description: 'PublicKeyCredentialRequestOptionsJSON of WebAuthn.' });

export const userSchema = z
  .object({
    id: z.uuid(),
    email: z.string(),
    emailConfirmed: z.boolean().describe('Until it is, no mail about sessions is sent.'),
    pendingEmail: z.string().nullable().describe('Takes the place of the e-mail once it is confirmed.'),
    username: z.string(),
    tier: z.enum(tiers),
    role: z.enum(roles),
    permissions: z.array(z.enum(permissions)),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'User' });

export const tokensSchema = z
  .object({
    accessToken: z.string().describe('A JWT; send it as "Authorization: Bearer <token>".'),
    refreshToken: z.string().describe('Good for one refresh.'),
    expiresInSeconds: z.int().describe('How long the access token is good for.'),
  })
  .meta({ id: 'Tokens' });

export const signedInSchema = tokensSchema.extend({ user: userSchema }).meta({ id: 'SignedIn' });

/** An account as its owner reads it. */
export function toUserView(account: Omit<Account, 'passwordHash'>): z.input<typeof userSchema> {
  const { id, email, emailConfirmed, pendingEmail, username, tier, role, createdAt } = account;
  return {
    id,
    email,
    emailConfirmed,
    pendingEmail,
    username,
    tier,
    role,
    permissions: permissionsOf(account),
    createdAt,
  };
}
