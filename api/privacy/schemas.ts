import { z } from 'zod';
import type { AccountErasure } from '../../db/accountErasures.ts';
import { exportStates, type AccountExport } from '../../db/accountExports.ts';
import { passwordSchema } from '../auth/schemas.ts';

export const exportSchema = z
  .object({
    id: z.uuid(),
    state: z.enum(exportStates),
    progress: z.number().min(0).max(1).describe('Share of the sessions that are in the archive.'),
    bytes: z.int().nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable().describe('When the archive is removed again.'),
    url: z.url().nullable().describe('Where the archive can be fetched for five minutes; null unless it is ready.'),
  })
  .meta({ id: 'AccountExport' });

/** An export as its owner sees it; `progress` goes from 0 to 1, and `url` is null until the archive is ready. */
export function toExportView(row: AccountExport, url: string | null): z.input<typeof exportSchema> {
  const { id, state, sessions, sessionsDone, bytes, createdAt, expiresAt } = row;
  return {
    id,
    state,
    progress:
      state !== 'running' ? 1 : sessions === null || sessions === undefined ? 0 : sessionsDone / Math.max(1, sessions),
    bytes: bytes ?? null,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    url,
  };
}

export const erasureRequestSchema = z.strictObject({
  password: passwordSchema.describe('The password of the account, so that a stolen token cannot erase it.'),
});

export const erasureParamsSchema = z.object({ id: z.uuid() });

export const erasureSchema = z
  .object({
    id: z.uuid().describe('Names the receipt, and is what it can be read by: keep it.'),
    state: z.enum(['erasing', 'erased']),
    requestedAt: z.iso.datetime(),
    completedAt: z.iso.datetime().nullable(),
    erasedRows: z.record(z.string(), z.int()).describe('How many rows of each table were erased with the account.'),
    kept: z.array(z.object({ table: z.string(), reason: z.string() })).describe('What is kept, and why.'),
  })
  .meta({ id: 'AccountErasure' });

/** The receipt of an erasure; `kept` says what stays and why. */
export function toErasureView(
  row: AccountErasure,
  kept: z.input<typeof erasureSchema>['kept'],
): z.input<typeof erasureSchema> {
  const { id, requestedAt, completedAt, erasedRows } = row;
  return {
    id,
    state: completedAt ? 'erased' : 'erasing',
    requestedAt: requestedAt.toISOString(),
    completedAt: completedAt?.toISOString() ?? null,
    erasedRows,
    kept,
  };
}
