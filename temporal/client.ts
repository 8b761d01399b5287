import { status } from '@grpc/grpc-js';
import {
  Client,
  isGrpcServiceError,
  ServiceError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type ClientInterceptors,
  type ConnectionLike,
} from '@temporalio/client';
import { ApplicationFailure, TypedSearchAttributes, type UpdateDefinition, type Workflow } from '@temporalio/common';
import type proto from '@temporalio/proto';
import type { AccountMailInput } from '../domain/accountMails.ts';
import type { AttachmentIds } from '../domain/attachments.ts';
import { sessionTitles, type SessionStatus, type SessionStep, type SessionWorkflowInput } from '../domain/session.ts';
import { taskQueues } from '../domain/taskQueues.ts';
import { backgroundPriorityKey, type Person } from '../domain/tiers.ts';
import { secondMs } from '../domain/time.ts';
import type { TrainingBegun, TrainingWorkflowInput } from '../domain/trainings.ts';
import { eraseAccountWorkflowId, exportAccountWorkflowId } from '../workflows/account.ts';
import { accountMailWorkflowId, type accountMailWorkflow } from '../workflows/accountMail.ts';
import {
  attachmentWorkflowId,
  eraseAttachmentWorkflowId,
  sentSignal,
  type attachmentWorkflow,
  type eraseAttachmentWorkflow,
} from '../workflows/attachment.ts';
import { bulkActionWorkflowId } from '../workflows/bulk.ts';
import { eraseWorkflowId, type eraseWorkflow } from '../workflows/erase.ts';
import { otherRequestFailure } from '../workflows/requests.ts';
import { searchAttributes } from '../workflows/searchAttributes.ts';
import {
  analyzeSignal,
  createdUpdate,
  retrySignal,
  sessionWorkflowId,
  type sessionWorkflow,
} from '../workflows/session.ts';
import { begunUpdate, trainingWorkflowId, type trainingWorkflow } from '../workflows/training.ts';
import { deliverSignal, webhookWorkflowId, type webhookDeliveryWorkflow } from '../workflows/webhookDelivery.ts';
import { askedIn, type AskedOfSession } from './askedOfSession.ts';
import { createWorkflowObserver, type WorkflowObserver } from './observer.ts';
import { createPrecedence } from './precedence.ts';
import { createQueues, type Queues } from './queues.ts';

/** What starting a workflow for a request can come to, beside the errors of this file. */
export type StartOutcome<Answer> =
  /** It runs, by this request or by the same one before. */
  | { kind: 'started'; answer: Answer }
  /** It was started by another request: its fingerprint differs. */
  | { kind: 'other_request' }
  /** It has ended; PostgreSQL knows what became of it. */
  | { kind: 'ended' };

/** Thrown when Temporal, or every worker of the queue, cannot be reached in time. What was asked may still happen. */
export class WorkflowUnavailableError extends Error {
  override readonly name = 'WorkflowUnavailableError';
}

/** Thrown when a session has no open workflow, so it can be neither signalled nor cancelled. */
export class WorkflowEndedError extends Error {
  override readonly name = 'WorkflowEndedError';
}

/** The only place that starts, signals and cancels workflows; it reads how they stand as well. */
export interface WorkflowClient extends WorkflowObserver {
  /** Starts the session's workflow, or finds it running, and waits until its `create` step has committed. */
  createSession(input: SessionWorkflowInput): Promise<StartOutcome<{ createdAt: string }>>;
  /** @throws WorkflowEndedError */
  startAnalysis(sessionId: string): Promise<void>;
  /** @throws WorkflowEndedError */
  retrySession(sessionId: string): Promise<void>;
  /** @throws WorkflowEndedError */
  cancelSession(sessionId: string): Promise<void>;
  /** For one that cannot process its cancellation: nothing of its code runs any more. @throws WorkflowEndedError */
  terminateSession(sessionId: string): Promise<void>;
  /** Of the newest run unless one is named. Null when Temporal knows no run of the session. */
  askedOfSession(sessionId: string, runId?: string): Promise<AskedOfSession | null>;
  /** Starts a session's workflow again, in place of the run that there may be; `status` is where its row is. */
  restartSession(input: SessionWorkflowInput, status: SessionStatus): Promise<void>;
  /** The next attempt at the step is made at once. @throws WorkflowEndedError where it is not under way */
  attemptNow(sessionId: string, step: SessionStep): Promise<void>;
  /** No further attempt at the step is made until it is resumed. @throws WorkflowEndedError where it is not under way */
  pauseStep(sessionId: string, step: SessionStep): Promise<void>;
  /** @throws WorkflowEndedError where it is not under way */
  resumeStep(sessionId: string, step: SessionStep): Promise<void>;
  /** Starts the erasure, or finds it running, and waits a while for it; `pending` is finished by itself. */
  eraseSession(sessionId: string): Promise<'erased' | 'pending'>;
  /** Starts the work on an action in bulk, or finds it under way. */
  startBulkAction(input: { bulkId: string; perSecond: number }): Promise<void>;
  /** Starts the erasure of an account, or finds it running; it is finished by itself. */
  eraseAccount(input: { userId: string }): Promise<void>;
  /** Starts the sending of a mail about an account; one of the kind that is under way is not sent again. */
  sendAccountMail(input: AccountMailInput): Promise<void>;
  /** Starts the making of an archive, or finds it under way. */
  exportAccount(input: { userId: string; exportId: string }): Promise<void>;
  /** Starts what waits for the file of an attachment; again changes nothing. */
  startAttachment(ids: AttachmentIds, owner: Person): Promise<void>;
  /** Starts it anew, in place of the run that there may be. */
  restartAttachment(ids: AttachmentIds, owner: Person): Promise<void>;
  /** All of the file was sent. @throws WorkflowEndedError */
  checkAttachment(attachmentId: string): Promise<void>;
  /** Nothing will be sent: what was prepared is removed. @throws WorkflowEndedError */
  abandonAttachment(attachmentId: string): Promise<void>;
  /** Starts the erasure, or finds it running, and waits a while for it; `pending` is finished by itself. */
  eraseAttachment(ids: AttachmentIds, owner: Person): Promise<'erased' | 'pending'>;
  /** Starts the training's workflow, or finds it running, and waits until it is known whether it may run. */
  startTraining(input: TrainingWorkflowInput): Promise<StartOutcome<TrainingBegun>>;
  /** @throws WorkflowEndedError */
  cancelTraining(trainingId: string): Promise<void>;
  /** Starts the workflow of a delivery, or asks the one that runs for an attempt at once. */
  startWebhookDelivery(deliveryId: string, owner: Person): Promise<void>;
  /** The priority key that a session of this person would be started with now; lower ones go first. */
  priorityKeyOf(person: Person): number;
  /** Where work waits. */
  queues: Queues;
  /** Throws when Temporal does not answer. */
  check(): Promise<void>;
}

interface WorkflowClientOptions {
  connection: ConnectionLike;
  namespace: string;
  interceptors?: ClientInterceptors;
  /** The longest that creating or erasing waits for a worker. Default 10,000. */
  waitMs?: number;
  /** By which clock a person's sessions are counted by the minute. Default the system's. */
  now?: () => number;
}

/** The client over an open connection; closing that is for whoever opened it. */
export function createWorkflowClient(options: WorkflowClientOptions): WorkflowClient {
  const { connection, namespace, interceptors, waitMs = 10 * secondMs, now } = options;
  const client = new Client({ connection, namespace, ...(interceptors ? { interceptors } : {}) });
  // Each kind of work is counted by itself: whoever sends many files is still told of a session as soon as others are.
  const precedence = { sessions: createPrecedence(now), files: createPrecedence(now), webhooks: createPrecedence(now) };
  const session = (sessionId: string) =>
    client.workflow.getHandle<typeof sessionWorkflow>(sessionWorkflowId(sessionId));
  const attachment = (attachmentId: string) =>
    client.workflow.getHandle<typeof attachmentWorkflow>(attachmentWorkflowId(attachmentId));

  const stepOf = (sessionId: string, step: SessionStep) => ({
    namespace,
    execution: { workflowId: sessionWorkflowId(sessionId) },
    type: step,
  });

  /** Runs a call against the deadline, and gives its failures the names of this file. */
  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await client.withDeadline(Date.now() + waitMs, work);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || isNotFound(error))
        throw new WorkflowEndedError('No open workflow', { cause: error });
      if (isOutage(error)) {
        throw new WorkflowUnavailableError('Temporal or its workers did not answer in time', { cause: error });
      }
      throw error;
    }
  }

  /** Waits for an erasure as long as a client may; after that it goes on by itself. */
  async function awaitErasure(start: () => Promise<{ result(): Promise<void> }>): Promise<'erased' | 'pending'> {
    const erasure = await call(start);
    try {
      await call(() => erasure.result());
      return 'erased';
    } catch (error) {
      if (error instanceof WorkflowUnavailableError) return 'pending';
      throw error;
    }
  }

  /** Starts a workflow, or joins the one that the same request started, and waits for its first answer. */
  async function startForRequest<W extends Workflow, Answer>(
    workflow: WithStartWorkflowOperation<W>,
    update: UpdateDefinition<Answer, [{ fingerprint: string }]>,
    { fingerprint }: { fingerprint: string },
  ): Promise<StartOutcome<Answer>> {
    // Both promises fail when the start is refused; the update's failure is the one that is told.
    workflow.workflowHandle().catch(() => undefined);
    try {
      const answer = await call(() =>
        client.workflow.executeUpdateWithStart(update, {
          startWorkflowOperation: workflow,
          // A repeated request joins the first one's update, so it adds nothing to the history.
          updateId: fingerprint,
          args: [{ fingerprint }],
        }),
      );
      return { kind: 'started', answer };
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return { kind: 'ended' };
      if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
        return { kind: error.cause.type === otherRequestFailure ? 'other_request' : 'ended' };
      }
      throw error;
    }
  }

  /** Starts a workflow that is named for ever, unless it runs or has run already. */
  async function startOnce(
    workflowId: string,
    type: string,
    input: { userId: string } | { bulkId: string },
    staticSummary: string,
  ): Promise<void> {
    const about = 'userId' in input ? ofPerson(input) : {};
    try {
      await call(() => client.workflow.start(type, { ...once(workflowId), args: [input], staticSummary, ...about }));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  /** What every run for an attachment is started with. */
  const attachmentStart = (ids: AttachmentIds, owner: Person) => ({
    args: [ids] as [AttachmentIds],
    priority: precedence.files.next(owner),
    staticSummary: 'attachment of a session',
    typedSearchAttributes: attributesOf(ids),
  });

  const observer = createWorkflowObserver(connection, namespace);

  return {
    ...observer,
    describeSession: (sessionId) => call(() => observer.describeSession(sessionId)),

    createSession(input) {
      const workflow = new WithStartWorkflowOperation<typeof sessionWorkflow>('sessionWorkflow', {
        ...once(sessionWorkflowId(input.sessionId)),
        ...sessionStart(input, 'pending'),
        priority: precedence.sessions.next(input),
      });
      return startForRequest(workflow, createdUpdate, input);
    },

    terminateSession: async (sessionId) => {
      await call(() => session(sessionId).terminate('The session is deleted, and its workflow cannot end by itself'));
    },
    async askedOfSession(sessionId, runId) {
      let history: proto.temporal.api.history.v1.IHistory;
      try {
        history = await call(() => client.workflow.getHandle(sessionWorkflowId(sessionId), runId).fetchHistory());
      } catch (error) {
        if (error instanceof WorkflowEndedError) return null;
        throw error;
      }
      return askedIn(history, client.options.loadedDataConverter);
    },
    restartSession: async (input, status) => {
      await call(() =>
        client.workflow.start<typeof sessionWorkflow>('sessionWorkflow', {
          workflowId: sessionWorkflowId(input.sessionId),
          taskQueue: taskQueues.cpu,
          workflowIdConflictPolicy: 'TERMINATE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          priority: precedence.sessions.next(input),
          // Only while it waits for its person is it `created` to those who search for stuck ones.
          ...sessionStart(input, status === 'created' && input.analyzeAtOnce ? 'analyzing' : status),
        }),
      );
    },

    startAnalysis: (sessionId) => call(() => session(sessionId).signal(analyzeSignal)),
    retrySession: (sessionId) => call(() => session(sessionId).signal(retrySignal)),
    cancelSession: async (sessionId) => {
      await call(() => session(sessionId).cancel());
    },

    attemptNow: async (sessionId, step) => {
      await call(() => connection.workflowService.resetActivity(stepOf(sessionId, step)));
    },
    pauseStep: async (sessionId, step) => {
      await call(() => connection.workflowService.pauseActivity(stepOf(sessionId, step)));
    },
    resumeStep: async (sessionId, step) => {
      await call(() => connection.workflowService.unpauseActivity(stepOf(sessionId, step)));
    },

    eraseSession: (sessionId) =>
      awaitErasure(() =>
        client.workflow.start<typeof eraseWorkflow>('eraseWorkflow', {
          workflowId: eraseWorkflowId(sessionId),
          taskQueue: taskQueues.cpu,
          args: [{ sessionId }],
          workflowIdConflictPolicy: 'USE_EXISTING',
          staticSummary: 'erasure of a session',
          typedSearchAttributes: attributesOf({ sessionId }),
        }),
      ),

    startAttachment: async (ids, owner) => {
      await call(() =>
        client.workflow.start<typeof attachmentWorkflow>('attachmentWorkflow', {
          ...once(attachmentWorkflowId(ids.attachmentId)),
          ...attachmentStart(ids, owner),
        }),
      );
    },
    restartAttachment: async (ids, owner) => {
      await call(() =>
        client.workflow.start<typeof attachmentWorkflow>('attachmentWorkflow', {
          workflowId: attachmentWorkflowId(ids.attachmentId),
          taskQueue: taskQueues.cpu,
          workflowIdConflictPolicy: 'TERMINATE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          ...attachmentStart(ids, owner),
        }),
      );
    },
    checkAttachment: (attachmentId) => call(() => attachment(attachmentId).signal(sentSignal)),
    abandonAttachment: async (attachmentId) => {
      await call(() => attachment(attachmentId).cancel());
    },
    eraseAttachment: (ids, owner) =>
      awaitErasure(() =>
        client.workflow.start<typeof eraseAttachmentWorkflow>('eraseAttachmentWorkflow', {
          workflowId: eraseAttachmentWorkflowId(ids.attachmentId),
          taskQueue: taskQueues.cpu,
          args: [ids],
          workflowIdConflictPolicy: 'USE_EXISTING',
          priority: precedence.files.next(owner),
          staticSummary: 'erasure of an attachment',
          typedSearchAttributes: attributesOf(ids),
        }),
      ),

    startBulkAction: (input) =>
      startOnce(bulkActionWorkflowId(input.bulkId), 'bulkActionWorkflow', input, 'action in bulk'),
    eraseAccount: async (input) => {
      await startOnce(eraseAccountWorkflowId(input.userId), 'eraseAccountWorkflow', input, 'erasure of an account');
    },
    sendAccountMail: async (input) => {
      await call(() =>
        client.workflow.start<typeof accountMailWorkflow>('accountMailWorkflow', {
          workflowId: accountMailWorkflowId(input),
          taskQueue: taskQueues.cpu,
          args: [input],
          workflowIdConflictPolicy: 'USE_EXISTING',
          staticSummary: `mail about an account: ${input.kind}`,
          ...ofPerson(input),
        }),
      );
    },
    exportAccount: async (input) => {
      await startOnce(exportAccountWorkflowId(input.exportId), 'exportAccountWorkflow', input, 'export of an account');
    },

    startTraining(input) {
      const workflow = new WithStartWorkflowOperation<typeof trainingWorkflow>('trainingWorkflow', {
        ...once(trainingWorkflowId(input.trainingId)),
        args: [input],
        priority: { priorityKey: backgroundPriorityKey },
        staticSummary: `training of ${sessionTitles[input.model]}`,
        typedSearchAttributes: new TypedSearchAttributes([{ key: searchAttributes.sessionType, value: input.model }]),
      });
      return startForRequest(workflow, begunUpdate, input);
    },
    cancelTraining: async (trainingId) => {
      await call(() => client.workflow.getHandle(trainingWorkflowId(trainingId)).cancel());
    },

    startWebhookDelivery: async (deliveryId, owner) => {
      await call(() =>
        client.workflow.signalWithStart<typeof webhookDeliveryWorkflow>('webhookDeliveryWorkflow', {
          workflowId: webhookWorkflowId(deliveryId),
          taskQueue: taskQueues.cpu,
          args: [{ deliveryId }],
          signal: deliverSignal,
          priority: precedence.webhooks.next(owner),
          staticSummary: 'delivery of a webhook',
        }),
      );
    },

    priorityKeyOf: (person) => precedence.sessions.keyOf(person),
    queues: createQueues({ connection, namespace, call }),

    check: async () => {
      await call(() => connection.workflowService.getSystemInfo({}));
    },
  };
}

/** What every run of a session is started with. */
function sessionStart(input: SessionWorkflowInput, status: SessionStatus) {
  return {
    args: [input] as [SessionWorkflowInput],
    staticSummary: `${sessionTitles[input.sessionType]} · ${input.tier}`,
    staticDetails:
      'A session: create, analyze, notify, bill. `npx mindpeeker ops explain` tells why it is where it is.',
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.sessionId, value: input.sessionId },
      { key: searchAttributes.userId, value: input.userId },
      { key: searchAttributes.tier, value: input.tier },
      { key: searchAttributes.sessionType, value: input.sessionType },
      { key: searchAttributes.sessionStatus, value: status },
    ]),
  };
}

/** What a workflow about somebody's session or account is found by. */
function attributesOf({ sessionId, userId }: { sessionId?: string; userId?: string }): TypedSearchAttributes {
  return new TypedSearchAttributes([
    ...(sessionId === undefined ? [] : [{ key: searchAttributes.sessionId, value: sessionId }]),
    ...(userId === undefined ? [] : [{ key: searchAttributes.userId, value: userId }]),
  ]);
}

/** Work for somebody's account is found by them, and takes turns with that of others in a long queue. */
function ofPerson({ userId }: { userId: string }) {
  return { typedSearchAttributes: attributesOf({ userId }), priority: { fairnessKey: userId } };
}

/** An id that names one workflow for ever: it is joined while it runs, and never started again. */
function once(workflowId: string) {
  return {
    workflowId,
    taskQueue: taskQueues.cpu,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  } as const;
}

/** A call that waits when its deadline comes is sometimes told as cancelled; nothing here cancels calls otherwise. */
const outageCodes: readonly unknown[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.CANCELLED,
];

/** Where the SDK gives what the server says as it is. */
function isNotFound(error: unknown): boolean {
  return isGrpcServiceError(error) && error.code === status.NOT_FOUND;
}

/** Whether the server or its workers could not be reached, however the SDK wraps it. */
function isOutage(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const inner = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(inner) && outageCodes.includes(inner.code);
}
