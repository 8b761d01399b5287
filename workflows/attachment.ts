import {
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { createCheckActivities } from '../activities/attachments/check.ts';
import type { createAttachmentEndActivities, EndInput } from '../activities/attachments/end.ts';
import { uploadLimitMs, uploadUrlMs, type AttachmentIds } from '../domain/attachments.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { minuteMs, secondMs } from '../domain/time.ts';

/** The workflow id of an attachment. */
export function attachmentWorkflowId(attachmentId: string): string {
  return `attachment-${attachmentId}`;
}

/** The workflow id of an attachment's erasure: asking twice erases once. */
export function eraseAttachmentWorkflowId(attachmentId: string): string {
  return `erase-attachment-${attachmentId}`;
}

/** All of the file was sent: check it. */
export const sentSignal = defineSignal('sent');

/** Reading two hundred megabytes, or waiting for the images before it, takes its time; a dead worker is told by its heartbeat. */
const checkOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 15 * minuteMs,
  heartbeatTimeout: 20 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 10 * minuteMs, maximumAttempts: 20 },
};

/** Writing down how it ended, and removing what must not stay, has to succeed in the end. */
const endOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: minuteMs,
  retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 30 * secondMs },
};

const { checkAttachment, makeThumbnail } = proxyActivities<ReturnType<typeof createCheckActivities>>(checkOptions);
const ends = proxyActivities<ReturnType<typeof createAttachmentEndActivities>>(endOptions);

/**
 * An attachment from its announcement to its end: it waits until the file was sent, has it checked, and clears up. The
 * history holds ids alone. It ends some time after the last address to upload to has, since what came by it too late
 * must not stay either.
 */
export async function attachmentWorkflow(ids: AttachmentIds): Promise<void> {
  let sent = false;
  setHandler(sentSignal, () => {
    sent = true;
  });
  try {
    const isSent = await condition(() => sent, uploadLimitMs);
    await ends.endAttachment(isSent ? await check(ids) : { ...ids, status: 'expired', rejection: null });
    // Twice, since what was begun in time may go on for a while.
    await sleep(2 * uploadUrlMs);
  } finally {
    await CancellationScope.nonCancellable(() => ends.clearAttachment(ids));
  }
}

async function check(ids: AttachmentIds): Promise<EndInput> {
  try {
    const verdict = await checkAttachment(ids);
    switch (verdict.kind) {
      case 'accepted':
        if (verdict.isImage) await makeThumbnail(ids);
        return { ...ids, status: 'ready', rejection: null };
      case 'rejected':
        return { ...ids, status: 'rejected', rejection: verdict.code };
      case 'gone':
        return { ...ids, status: 'expired', rejection: null };
    }
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { ...ids, status: 'rejected', rejection: 'internal' };
  }
}

/** Removes an attachment for good; a workflow, so that what was begun is finished, whatever dies on the way. */
export async function eraseAttachmentWorkflow(ids: AttachmentIds): Promise<void> {
  await ends.eraseAttachment(ids);
}
