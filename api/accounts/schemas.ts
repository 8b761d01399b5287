import { z } from 'zod';
import type { Login } from '../../db/logins.ts';
import type { Passkey } from '../../db/passkeys.ts';
import {
  codeSchema,
  emailSchema,
  newCredentialSchema,
  newPasswordSchema,
  passwordSchema,
  usernameSchema,
} from '../auth/schemas.ts';

/** Sparse: what is not named stays as it is. Nothing else of an account is its owner's to change. */
export const accountChangeSchema = z
  .strictObject({
    username: usernameSchema.optional(),
    email: emailSchema.optional(),
    currentPassword: passwordSchema.optional().describe('Needed for another e-mail.'),
  })
  .refine(({ email, currentPassword }) => email === undefined || currentPassword !== undefined, {
    path: ['currentPassword'],
    message: 'is needed for another e-mail',
  })
  .meta({ id: 'AccountChange' });

export const passwordChangeSchema = z
  .strictObject({ currentPassword: passwordSchema, newPassword: newPasswordSchema })
  .meta({ id: 'PasswordChange' });

export const loginParamsSchema = z.object({ id: z.uuid() });

const loginSchema = z
  .object({
    id: z.uuid(),
    agent: z.string().nullable().describe('The kind of client, such as "Firefox on Linux"; null where it did not say.'),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().describe('When its tokens were refreshed last.'),
    current: z.boolean().describe('Whether this request belongs to it.'),
  })
  .meta({ id: 'Login' });

export const loginsSchema = z.object({ items: z.array(loginSchema) }).meta({ id: 'Logins' });

/** Another way in is added by whoever knows the password, not by whoever finds a browser open. */
export const reauthenticationSchema = z
  .strictObject({ currentPassword: passwordSchema })
  .meta({ id: 'Reauthentication' });

export const newTotpSchema = z
  .object({
    secret: z.string().describe('Base32, for typing it into the app.'),
    otpauthUrl: z.string().describe('What the image says.'),
    qrSvg: z.string().describe('An image for the camera of the app, as SVG.'),
  })
  .meta({ id: 'NewTotp' });

export const totpCodeSchema = z.strictObject({ code: codeSchema }).meta({ id: 'TotpCode' });

export const recoveryCodesSchema = z.object({ recoveryCodes: z.array(z.string()) }).meta({ id: 'RecoveryCodes' });

export const totpStateSchema = z.object({ active: z.boolean(), recoveryCodesLeft: z.int() }).meta({ id: 'TotpState' });

/** No control character; written in ranges, since few clients of the document know classes of Unicode. */
const labelForm = new RegExp(String.raw`^[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]{1,100}$`, 'u');

const labelSchema = z
  .string()
  .trim()
  .regex(labelForm, 'must be 1 to 100 characters of one line')
  .meta({ example: 'My telephone' });

export const passkeyCreationSchema = z
  .looseObject({ challenge: z.string() })
  .meta({ id: 'PasskeyCreationOptions', description: 'PublicKeyCredentialCreationOptionsJSON of WebAuthn.' });

export const newPasskeySchema = z
  .strictObject({ label: labelSchema, credential: newCredentialSchema })
  .meta({ id: 'NewPasskey' });

export const passkeyChangeSchema = z.strictObject({ label: labelSchema }).meta({ id: 'PasskeyChange' });

export const passkeyParamsSchema = z.object({ id: z.uuid() });

export const passkeySchema = z
  .object({
    id: z.uuid(),
    label: z.string(),
    backedUp: z.boolean().describe('Whether it is kept beyond the one device, in a cloud of its owner’s.'),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Passkey' });

export const passkeysSchema = z.object({ items: z.array(passkeySchema) }).meta({ id: 'Passkeys' });

/** A passkey as its owner reads it. */
export function toPasskeyView({ id, label, backedUp, createdAt, lastUsedAt }: Passkey): z.input<typeof passkeySchema> {
  return { id, label, backedUp, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() ?? null };
}

/** A log-in as its owner reads it. */
export function toLoginView(login: Login, currentId: string): z.input<typeof loginSchema> {
  const { id, agent, createdAt, lastUsedAt } = login;
  return {
    id,
    agent: agent ?? null,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt.toISOString(),
    current: id === currentId,
  };
}
