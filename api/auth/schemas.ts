import { z } from 'zod';
import type { User } from '../../db/entities.ts';
import { permissions, tiers, tierTerms, type Tier } from '../../domain/tiers.ts';

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
export function toUserView(user: User): z.input<typeof userSchema> {
  const tier: Tier = user.tier;
  return {
    id: user.id,
    email: user.email,
    username: user.username,
    tier,
    permissions: [...tierTerms[tier].permissions],
    createdAt: (user.createdAt ?? new Date(0)).toISOString(),
  };
}
