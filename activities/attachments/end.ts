import { deleteAttachment, endAttachment, findAttachment } from '../../db/attachments.ts';
import type { Database } from '../../db/database.ts';
import type { AttachmentEnd, AttachmentIds, RejectionCode } from '../../domain/attachments.ts';
import type { Uploads } from '../../integrations/uploads.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { announce, type AnnounceDeps } from '../announce.ts';

interface EndDeps extends AnnounceDeps {
  database: Database;
  uploads: Uploads;
  metrics: Metrics;
}

export interface EndInput extends AttachmentIds {
  status: AttachmentEnd;
  rejection: RejectionCode | null;
}

/** How attachments come to their end, and what of them is left after it. */
export function createAttachmentEndActivities(deps: EndDeps) {
  const { database, uploads } = deps;

  /** Leaves of an attachment what its row says: all of a ready one's file, and nothing of any other. */
  async function clear(ids: AttachmentIds): Promise<void> {
    const attachment = await findAttachment(database.asService(), ids);
    if (attachment?.status === 'ready') await uploads.removeUpload(ids);
    else await uploads.remove(ids);
  }

  return {
    /** Records the end, tells its owner, and removes what is no longer needed. */
    async endAttachment({ status, rejection, ...ids }: EndInput): Promise<void> {
      const event = await endAttachment(database.asService(), ids, { status, rejection });
      if (event !== null) {
        deps.metrics.attachmentsEndedTotal.inc({ status });
        await announce(deps, ids.sessionId, event);
        // A session that has ended is cached whole, and its results, with the number of the event that was its newest.
        await deps.cache.forget(ids.sessionId);
      }
      await clear(ids);
    },

    /** Removes what came by an address that was good a little longer than it was needed. */
    clearAttachment: clear,

    /** Removes an attachment for good: first the row, so that nobody reads it any more. */
    async eraseAttachment(ids: AttachmentIds): Promise<void> {
      await deleteAttachment(database.asService(), ids);
      await uploads.remove(ids);
    },
  };
}
