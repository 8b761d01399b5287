import { z } from 'zod';
import type { Login } from '../../db/logins.ts';
import { emailSchema, newPasswordSchema, passwordSchema, usernameSchema } from '../auth/schemas.ts';

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
