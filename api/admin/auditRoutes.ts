import { z } from 'zod';
import { listAudit } from '../../db/auditEntries.ts';
import type { ApiDeps } from '../deps.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import { userRoute, type Route } from '../route.ts';
import { auditEntrySchema, auditView } from './audit.ts';

/** Who did what, and why (T5, I5). */
export function auditRoutes({ database, idempotencySecret }: ApiDeps): Route[] {
  return [
    userRoute({
      method: 'get',
      path: '/v1/admin/audit',
      tag: 'Operations',
      summary: 'Read what operators did, newest first',
      permission: 'operations:manage',
      request: {
        query: z.object({
          sessionId: z.uuid().optional(),
          bulkId: z.uuid().optional(),
          limit: z.coerce.number().int().min(1).max(100).default(50),
          cursor: z.string().max(500).optional(),
        }),
      },
      message: 'The audit.',
      data: z.object({ items: z.array(auditEntrySchema), nextCursor: z.string().nullable() }),
      handle: async ({ query: { cursor, limit, ...filters } }) => {
        const list = { audit: filters };
        const after = cursor === undefined ? undefined : fromCursor(cursor, list, idempotencySecret);
        const { rows, next } = await listAudit(database.asService(), { ...filters, after, limit });
        return { items: rows.map(auditView), nextCursor: next && toCursor(next, list, idempotencySecret) };
      },
    }),
  ];
}
