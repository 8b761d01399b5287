/** The entry of the workflow bundle: what the CPU workers can run. */
export { eraseAccountWorkflow, exportAccountWorkflow } from './account.ts';
export { attachmentWorkflow, eraseAttachmentWorkflow } from './attachment.ts';
export { accountMailWorkflow } from './accountMail.ts';
export { backupWorkflow, rehearsalWorkflow } from './backup.ts';
export { bulkActionWorkflow } from './bulk.ts';
export { eraseWorkflow } from './erase.ts';
export { findStuckWorkflow } from './findStuck.ts';
export { sessionWorkflow } from './session.ts';
export { trainingWorkflow } from './training.ts';
export { webhookDeliveryWorkflow } from './webhookDelivery.ts';
