import { Client, WorkflowNotFoundError, type ConnectionLike } from '@temporalio/client';
import { taskQueues } from '../domain/taskQueues.ts';
import { eraseAccountWorkflowId, type eraseAccountWorkflow } from '../workflows/account.ts';
import { eraseAttachmentWorkflowId } from '../workflows/attachment.ts';
import { eraseWorkflowId } from '../workflows/erase.ts';
import { sessionWorkflowId } from '../workflows/session.ts';

/** What Temporal knows of the time after a backup, and how the work of that backup is taken up again. */
export interface Recovery {
  /** The sessions whose workflows were open before `time` and are still. */
  openSessionsBefore(time: Date): Promise<string[]>;
  /** What was erased at `time` or later, or is being erased. */
  erasedSince(time: Date): Promise<Erased>;
  /** Whether Stripe may have heard of a session: its `bill` step began in some run, or nothing is known of it. */
  mayBeBilled(sessionId: string): Promise<boolean>;
  /** Whether a backup is being made, at whose end older ones may be removed. */
  isBackingUp(): Promise<boolean>;
  /** Erases an account again, whether it was erased before or not. */
  eraseAccount(userId: string): Promise<void>;
}

/** Ids of what was erased. */
interface Erased {
  sessions: string[];
  attachments: string[];
  accounts: string[];
}

/** What a restore asks of Temporal, over an open connection. */
export function createRecovery({ connection, namespace }: { connection: ConnectionLike; namespace: string }): Recovery {
  const { workflow } = new Client({ connection, namespace });

  /** The ids behind the prefix of the workflows that a query finds. */
  async function idsOf(query: string, prefix: string): Promise<string[]> {
    const ids = new Set<string>();
    for await (const { workflowId } of workflow.list({ query })) {
      if (workflowId.startsWith(prefix)) ids.add(workflowId.slice(prefix.length));
    }
    return [...ids];
  }

  async function beganToBill(workflowId: string, runId: string): Promise<boolean> {
    try {
      const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
      return (
        events?.some(
          ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'bill',
        ) ?? true
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return true;
      throw error;
    }
  }

  return {
    openSessionsBefore: (time) =>
      idsOf(
        `WorkflowType = 'sessionWorkflow' and ExecutionStatus = 'Running' and StartTime < '${time.toISOString()}'`,
        sessionWorkflowId(''),
      ),
    async erasedSince(time) {
      const since = (type: string) =>
        `WorkflowType = '${type}' and (ExecutionStatus = 'Running' or CloseTime >= '${time.toISOString()}')`;
      const [sessions, attachments, accounts] = await Promise.all([
        idsOf(since('eraseWorkflow'), eraseWorkflowId('')),
        idsOf(since('eraseAttachmentWorkflow'), eraseAttachmentWorkflowId('')),
        idsOf(since('eraseAccountWorkflow'), eraseAccountWorkflowId('')),
      ]);
      return { sessions, attachments, accounts };
    },
    async mayBeBilled(sessionId) {
      const workflowId = sessionWorkflowId(sessionId);
      let isKnown = false;
      for await (const { runId } of workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
        isKnown = true;
        if (await beganToBill(workflowId, runId)) return true;
      }
      return !isKnown;
    },
    async isBackingUp() {
      const { count } = await workflow.count(`WorkflowType = 'backupWorkflow' and ExecutionStatus = 'Running'`);
      return count > 0;
    },
    async eraseAccount(userId) {
      await workflow.start<typeof eraseAccountWorkflow>('eraseAccountWorkflow', {
        workflowId: eraseAccountWorkflowId(userId),
        taskQueue: taskQueues.cpu,
        args: [{ userId }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: 'erasure of an account, again after a restore',
      });
    },
  };
}
