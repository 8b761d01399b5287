import { createHash, randomUUID } from 'node:crypto';
import { requestErasure } from '../../db/accountErasures.ts';
import { findAccount } from '../../db/accounts.ts';
import { requestExport } from '../../db/accountExports.ts';
import { addAttachment } from '../../db/attachments.ts';
import { findTraining } from '../../db/trainings.ts';
import { readBulkProgress } from '../../db/bulkActions.ts';
import { insertEndpoint, insertTestDelivery } from '../../db/webhooks.ts';
import type { AttachmentIds, MediaType } from '../../domain/attachments.ts';
import { taskQueues } from '../../domain/taskQueues.ts';
import type { TrainingWorkflowInput } from '../../domain/trainings.ts';
import { startBulk, stopBulk } from '../../operations/bulk.ts';
import type { Person } from '../../domain/tiers.ts';
import { eraseAccountWorkflowId, exportAccountWorkflowId } from '../../workflows/account.ts';
import { accountMailWorkflowId } from '../../workflows/accountMail.ts';
import { attachmentWorkflowId, eraseAttachmentWorkflowId } from '../../workflows/attachment.ts';
import { bulkActionWorkflowId } from '../../workflows/bulk.ts';
import { eraseWorkflowId } from '../../workflows/erase.ts';
import { trainingWorkflowId } from '../../workflows/training.ts';
import { webhookWorkflowId } from '../../workflows/webhookDelivery.ts';
import { newUser } from '../database.ts';
import type { Path } from './sessionPaths.ts';
import type { ReceiverAnswer } from '../webhookReceiver.ts';
import { untilAtLast, type Surroundings } from './surroundings.ts';

/* Every way that the workflows beside a session can go. */

export const erasePaths: Record<string, Path> = {
  'of-open-session': async (around) => {
    const { input, workflowId } = await around.begin({ analyzeAtOnce: false });
    await around.untilIdle(workflowId);
    await around.platform.workflows.eraseSession(input.sessionId);
    return eraseWorkflowId(input.sessionId);
  },
  'of-ended-session': async (around) => {
    const { input, workflowId } = await around.begin();
    await around.historyOf(workflowId);
    await around.platform.workflows.eraseSession(input.sessionId);
    return eraseWorkflowId(input.sessionId);
  },
};

async function startTraining({ platform }: Surroundings, given: Partial<TrainingWorkflowInput>): Promise<string> {
  const trainingId = randomUUID();
  const fingerprint = 'f'.repeat(64);
  const input = { trainingId, model: 'dowsing' as const, sessions: 300, seed: 1, startedBy: null, fingerprint };
  await platform.workflows.startTraining({ ...input, ...given });
  return trainingId;
}

/** One training of a model at a time, so these are made one after the other. */
export const trainingPaths: Record<string, Path> = {
  completed: async (around) => trainingWorkflowId(await startTraining(around, {})),
  failed: async (around) => trainingWorkflowId(await startTraining(around, { model: 'precognition' })),
  cancelled: async (around) => {
    const trainingId = await startTraining(around, { sessions: 200_000 });
    const { database } = around.platform.resources;
    await untilAtLast(async () => ((await findTraining(database.asService(), trainingId))?.stageDone ?? 0) > 0);
    await around.platform.workflows.cancelTraining(trainingId);
    return trainingWorkflowId(trainingId);
  },
  'already-running': async (around) => {
    const first = await startTraining(around, { sessions: 200_000 });
    const second = await startTraining(around, {});
    await around.historyOf(trainingWorkflowId(second));
    await around.platform.workflows.cancelTraining(first);
    await around.historyOf(trainingWorkflowId(first));
    return trainingWorkflowId(second);
  },
};

const text = Buffer.from('Cold water, and a tower.\n');
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** An attachment that waits for its file; `said` is what its owner says of it. */
async function announced(
  { begin, platform }: Surroundings,
  bytes: Buffer,
  mediaType: MediaType,
  said: Buffer = bytes,
): Promise<{ ids: AttachmentIds; owner: Person; send: () => Promise<unknown> }> {
  const { input } = await begin({ analyzeAtOnce: false });
  const ids = { sessionId: input.sessionId, attachmentId: randomUUID() };
  const facts = (of: Buffer) => ({ sizeBytes: of.length, sha256: createHash('sha256').update(of).digest('hex') });
  const { database, uploads } = platform.resources;
  const file = { fileName: 'file', mediaType };
  const { sessionId, attachmentId: id } = ids;
  const row = { ...file, ...facts(said), id, sessionId, userId: input.userId, uploadId: null };
  await addAttachment(database.asUser(input.userId), row, { storageBytes: 1e9 });
  const { method, url, headers } = await uploads.requestForWhole(ids, { ...file, ...facts(bytes) });
  const send = () => fetch(url, { method, headers, body: new Uint8Array(bytes) });
  return { ids, owner: input, send };
}

async function sent(around: Surroundings, bytes: Buffer, mediaType: MediaType, said?: Buffer): Promise<string> {
  const { ids, owner, send } = await announced(around, bytes, mediaType, said);
  await send();
  await around.platform.workflows.startAttachment(ids, owner);
  await around.platform.workflows.checkAttachment(ids.attachmentId);
  return attachmentWorkflowId(ids.attachmentId);
}

export const attachmentPaths: Record<string, Path> = {
  'document-ready': (around) => sent(around, text, 'text/plain'),
  'image-ready': (around) => sent(around, pixel, 'image/png'),
  rejected: (around) => sent(around, text, 'text/plain', Buffer.from('Warm water, and a tower.\n')),
  'never-sent': async (around) => {
    const { ids, owner } = await announced(around, text, 'text/plain');
    await around.platform.workflows.startAttachment(ids, owner);
    return attachmentWorkflowId(ids.attachmentId);
  },
  abandoned: async (around) => {
    const { ids, owner } = await announced(around, text, 'text/plain');
    await around.platform.workflows.startAttachment(ids, owner);
    await around.platform.workflows.abandonAttachment(ids.attachmentId);
    return attachmentWorkflowId(ids.attachmentId);
  },
  gone: async (around) => {
    const ids = { sessionId: randomUUID(), attachmentId: randomUUID() };
    await around.platform.workflows.startAttachment(ids, { userId: randomUUID(), tier: 'basic' });
    await around.platform.workflows.checkAttachment(ids.attachmentId);
    return attachmentWorkflowId(ids.attachmentId);
  },
  erased: async (around) => {
    const { ids, owner } = await announced(around, text, 'text/plain');
    await around.platform.workflows.eraseAttachment(ids, owner);
    return eraseAttachmentWorkflowId(ids.attachmentId);
  },
};

async function mailed({ platform, mailTo }: Surroundings, answer: number): Promise<{ email: string; id: string }> {
  const { id: userId, email } = await newUser(platform.resources.database);
  mailTo.set(email, answer);
  const input = { userId, kind: 'welcome' } as const;
  await platform.workflows.sendAccountMail(input);
  return { email, id: accountMailWorkflowId(input) };
}

export const accountMailPaths: Record<string, Path> = {
  sent: async (around) => (await mailed(around, 202)).id,
  refused: async (around) => (await mailed(around, 400)).id,
  retried: async (around) => {
    const { email, id } = await mailed(around, 503);
    await around.untilAttempt(id, 2);
    around.mailTo.delete(email);
    return id;
  },
};

async function exported({ platform }: Surroundings, userId: string): Promise<string> {
  const { id: exportId } = await requestExport(platform.resources.database.asUser(userId), userId, randomUUID());
  await platform.workflows.exportAccount({ userId, exportId });
  return exportAccountWorkflowId(exportId);
}

export const exportAccountPaths: Record<string, Path> = {
  'made-and-expired': async (around) => exported(around, (await newUser(around.platform.resources.database)).id),
  failed: async (around) => {
    const { input, workflowId, takeContent } = await around.begin({ analyzeAtOnce: false });
    await around.untilIdle(workflowId);
    await takeContent();
    return exported(around, input.userId);
  },
};

async function erased({ platform }: Surroundings, userId: string): Promise<string> {
  const em = platform.resources.database.asService();
  const account = await findAccount(em, { id: userId });
  if (account === null) throw new Error('The account is gone');
  await requestErasure(em, account, randomUUID());
  await platform.workflows.eraseAccount({ userId });
  return eraseAccountWorkflowId(userId);
}

export const eraseAccountPaths: Record<string, Path> = {
  'without-sessions': async (around) => erased(around, (await newUser(around.platform.resources.database)).id),
  'with-open-session': async (around) => {
    const { input, workflowId } = await around.begin({ analyzeAtOnce: false });
    await around.untilIdle(workflowId);
    return erased(around, input.userId);
  },
};

async function webhook({ platform, receiverUrl, receiverAt }: Surroundings, answer: ReceiverAnswer) {
  const { database, webhookSecrets } = platform.resources;
  const { id: userId } = await newUser(database);
  const endpointId = randomUUID();
  const { sealed: sealedSecret } = await webhookSecrets.make(endpointId);
  const url = `${receiverUrl}/${endpointId}`;
  const path = new URL(url).pathname;
  receiverAt.set(path, answer);
  const em = database.asUser(userId);
  const endpoint = { id: endpointId, userId, url, description: null, events: ['session.completed'] as const };
  await insertEndpoint(em, { ...endpoint, sealedSecret });
  const deliveryId = randomUUID();
  await insertTestDelivery(em, { id: deliveryId, endpointId });
  const owner = { userId, tier: 'basic' } as const;
  await platform.workflows.startWebhookDelivery(deliveryId, owner);
  return { deliveryId, owner, workflowId: webhookWorkflowId(deliveryId), mend: () => receiverAt.delete(path) };
}

export const webhookDeliveryPaths: Record<string, Path> = {
  delivered: async (around) => (await webhook(around, { status: 204 })).workflowId,
  'delivered-later': async (around) => {
    const { workflowId, mend } = await webhook(around, { status: 500 });
    await around.untilIdle(workflowId);
    mend();
    return workflowId;
  },
  'delivered-when-asked-again': async (around) => {
    const { deliveryId, owner, workflowId, mend } = await webhook(around, { status: 500 });
    await around.untilIdle(workflowId);
    mend();
    await around.platform.workflows.startWebhookDelivery(deliveryId, owner);
    return workflowId;
  },
};

async function started({ client }: Surroundings, type: string): Promise<string> {
  const workflowId = `${type}-${randomUUID()}`;
  await client.workflow.start(type, { workflowId, taskQueue: taskQueues.cpu });
  return workflowId;
}

/** A rehearsal takes the newest backup, so these are made one after the other. */
export const backupPaths: Record<string, Path> = {
  'rehearsal-without-backup': (around) => started(around, 'rehearsalWorkflow'),
  made: (around) => started(around, 'backupWorkflow'),
  rehearsed: (around) => started(around, 'rehearsalWorkflow'),
};

export const findStuckPaths: Record<string, Path> = {
  searched: (around) => started(around, 'findStuckWorkflow'),
};

/** Starts cancelling sessions that are being recorded, one a second. */
async function cancelInBulk({ platform, begin }: Surroundings, count: number): Promise<string> {
  const begun = await Promise.all(Array.from({ length: count }, () => begin({ analyzeAtOnce: false })));
  const { resources, workflows } = platform;
  const { id } = await startBulk(
    { database: resources.database, workflows },
    {
      act: { action: 'cancel', deleteContent: false },
      filters: { ids: begun.map(({ input }) => input.sessionId) },
      reason: 'a history is made',
      by: { command: 'a test' },
      perSecond: 1,
      atMost: count,
    },
  );
  return id;
}

export const bulkPaths: Record<string, Path> = {
  completed: async (around) => bulkActionWorkflowId(await cancelInBulk(around, 2)),
  stopped: async (around) => {
    const id = await cancelInBulk(around, 5);
    const { resources, workflows } = around.platform;
    const { database } = resources;
    await untilAtLast(async () => ((await readBulkProgress(database.asService(), id))?.done ?? 0) > 0);
    await stopBulk({ database, workflows }, id);
    return bulkActionWorkflowId(id);
  },
};
