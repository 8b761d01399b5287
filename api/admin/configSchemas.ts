import { z } from 'zod';
import { systemChangesSchema, systemConfigSchema } from '../../domain/systemConfig.ts';

export const configChangesSchema = systemChangesSchema.meta({ id: 'SystemChanges' });

export const configPageSchema = z
  .object({
    version: z.int().min(0).describe('0 while nobody changed anything. It is the ETag, too.'),
    changes: configChangesSchema.describe('What operators changed.'),
    changedAt: z.iso.datetime().nullable(),
    changedBy: z.uuid().nullable().describe('The account that did; null when a command did.'),
    config: systemConfigSchema.meta({ id: 'SystemConfig' }).describe('What counts: the defaults with the changes.'),
  })
  .meta({ id: 'SystemConfigPage' });

export const ifMatchSchema = z.object({
  'if-match': z
    .string()
    .regex(/^"\d+"$/, 'must be the ETag of GET /v1/admin/config')
    .meta({ description: 'The ETag of the configuration that was read before.', example: '"3"' }),
});
