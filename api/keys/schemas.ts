import { z } from 'zod';
import { storable } from '../../domain/text.ts';
import { keyPermissions } from '../../domain/tiers.ts';

/** What owners of API keys send and read. */

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine(...storable)
  .meta({ description: 'What the key is for.', example: 'nightly import' });
const scope = z
  .array(z.enum(keyPermissions))
  .min(1)
  .transform((named) => keyPermissions.filter((permission) => named.includes(permission)))
  .meta({ description: 'What the key may do: never more than its owner may when it is used.' });
const end = z.iso
  .datetime()
  .refine((text) => Date.parse(text) > Date.now(), 'must be in the future')
  // PostgreSQL rounds what is finer, which may lead beyond the last year.
  .transform((text) => new Date(text).toISOString())
  .nullable()
  .meta({ description: 'When the key ends; null for not before it is revoked.' });

export const newKeySchema = z
  .strictObject({ name, permissions: scope, expiresAt: end.default(null) })
  .meta({ id: 'NewApiKey' });

export const keyChangeSchema = z.strictObject({ name, permissions: scope, expiresAt: end }).partial();

export const keySchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    prefix: z.string().describe('The first letters of the key, to tell it from others.'),
    permissions: z.array(z.enum(keyPermissions)),
    expiresAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable().describe('To the minute; null while it was never used.'),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'ApiKey' });

export const madeKeySchema = keySchema
  .extend({ key: z.string().describe('The key itself. It is shown this once, and kept nowhere.') })
  .meta({ id: 'MadeApiKey' });

export const keyListSchema = z.object({ items: z.array(keySchema).describe('Newest first.') });

export const keyParamsSchema = z.object({ id: z.uuid() });
