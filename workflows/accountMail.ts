import { proxyActivities } from '@temporalio/workflow';
import type { createAccountMailActivities } from '../activities/account/mail.ts';
import type { AccountMailInput } from '../domain/accountMails.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { minuteMs, secondMs } from '../domain/time.ts';

/** A mail of a kind, or about a change, that is under way already is not sent twice, however often it is asked for. */
export function accountMailWorkflowId(input: AccountMailInput): string {
  return `account-mail-${input.kind}-${input.kind === 'notice' ? input.noticeId : input.userId}`;
}

/** Mail can wait out an outage of an hour. */
const { sendAccountMail } = proxyActivities<ReturnType<typeof createAccountMailActivities>>({
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 15 * secondMs,
  retry: { initialInterval: secondMs, backoffCoefficient: 2, maximumInterval: 5 * minuteMs, maximumAttempts: 20 },
});

/** Sends a mail about an account. It is a workflow so that the request that asks for it need not wait for SendGrid. */
export async function accountMailWorkflow(input: AccountMailInput): Promise<void> {
  await sendAccountMail(input);
}
