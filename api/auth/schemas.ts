import { z } from 'zod';
import { permissions, permissionsOf, roles, tiers } from '../../domain/tiers.ts';
import type { Account } from './users.ts';

const emailSchema = z
  .string()
  .trim()
  .toLowerCase()
  .max(255)
  .pipe(z.email())
  .meta({ description: 'Upper and lower case are the same.', example: 'ada@example.org' });

const newPasswordSchema = z.string().min(10).max(200);
/** A log-in says nothing of what a password must be; a length no account can have is still not hashed. */
const passwordSchema = z.string().min(1).max(200);

const refreshTokenSchema = z.string().min(1).max(200);

export const registrationSchema = z
  .strictObject({
    email: emailSchema,
    username: z
      .string()
      .normalize('NFC')
      .regex(/^[\p{L}\p{N}_.-]{3,100}$/u, 'must be 3 to 100 letters, digits, dots, hyphens or underscores'),
    password: newPasswordSchema,
  })
  .meta({ id: 'Registration' });

export const credentialsSchema = z
  .strictObject({ email: emailSchema, password: passwordSchema })
  .meta({ id: 'Credentials' });

export const refreshSchema = z.strictObject({ refreshToken: refreshTokenSchema }).meta({ id: 'Refresh' });

export const userSchema = z
  .object({
    id: z.uuid(),
    email: z.string(),
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
export function toUserView(account: Account): z.input<typeof userSchema> {
  const { id, email, username, tier, role, createdAt } = account;
  return {
    id,
    email,
    username,
    tier,
    role,
    permissions: permissionsOf(account),
    createdAt: createdAt.toISOString(),
  };
}
