import { z } from 'zod';
import type { AuditEntry } from '../../db/auditEntries.ts';
import { actionOutcomes, operatorActions } from '../../domain/operations.ts';

/** What operators read of what was done. */
export const auditEntrySchema = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    action: z.enum(operatorActions),
    outcome: z.enum(actionOutcomes),
    sessionId: z.uuid().nullable(),
    byUser: z.uuid().nullable(),
    byCommand: z.string().nullable(),
    reason: z.string().nullable(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).nullable(),
    bulkId: z.uuid().nullable(),
  })
  .meta({ id: 'AuditEntry' });

/** A row of the audit as the API answers it: what is not known of it is null. */
export function auditView(entry: AuditEntry): z.input<typeof auditEntrySchema> {
  const { id, at, action, outcome } = entry;
  const { sessionId = null, byUser = null, byCommand = null, reason = null, details = null, bulkId = null } = entry;
  return {
    ...{ id, at: at.toISOString(), action, outcome, sessionId, byUser, byCommand, reason, bulkId },
    details: details && { ...details },
  };
}
