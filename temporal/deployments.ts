import { status as grpcStatus } from '@grpc/grpc-js';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { tsToDate } from '@temporalio/common/lib/time.js';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import proto from '@temporalio/proto';
import { taskQueues } from '../domain/taskQueues.ts';
import { isThere } from './queues.ts';

/*
 * Versions of the workflow code that work side by side (Worker Versioning). A workflow stays on the version that it
 * began with; which version a new one begins with is decided here.
 */

/** What Temporal calls the pools that run workflows, over all of their versions. */
const deploymentName = 'mindpeeker';

const {
  WorkerDeploymentVersionStatus: serverStatus,
  WorkerVersioningMode,
  TaskQueueType,
} = proto.temporal.api.enums.v1;

/**
 * - `current`, `ramping`: new workflows begin on it, all of them or a share.
 * - `draining`: none begin on it any more, and some are left. `drained`: none are left, so its workers may go.
 * - `waiting`: its workers poll, and it was never given anything.
 */
type VersionStatus = 'current' | 'ramping' | 'draining' | 'drained' | 'waiting';

export interface Version {
  buildId: string;
  status: VersionStatus;
  /** Of the new workflows, in percent. */
  share: number;
  openWorkflows: number;
  /** How many processes poll for it. */
  workers: number;
  createdAt: Date;
  /** When it became the current one, or began to ramp; null when it is neither. */
  since: Date | null;
  /** When it last stopped being either. */
  until: Date | null;
}

/** What workers without a build id do, and what is left to them. */
type Unversioned = Pick<Version, 'share' | 'openWorkflows' | 'workers'>;

export interface Deployment {
  /** Newest first. */
  versions: Version[];
  unversioned: Unversioned;
}

/** Thrown when the server refuses a change, such as to a version that nobody polls for; the message says why. */
export class DeploymentRefusedError extends Error {
  override readonly name = 'DeploymentRefusedError';
}

export interface Deployments {
  describe(): Promise<Deployment>;
  /** New workflows begin on this version; null is workers without a build id. @throws DeploymentRefusedError */
  setCurrent(buildId: string | null): Promise<void>;
  /** This share of the new workflows begin on this version, in percent; null ends it. @throws DeploymentRefusedError */
  setRamping(ramp: { buildId: string; percent: number } | null): Promise<void>;
}

/** What makes a worker one of a version; without a build id it takes whatever is not on any version. */
export function versionOf(buildId: string | undefined): { workerDeploymentOptions?: WorkerDeploymentOptions } {
  if (buildId === undefined) return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName, buildId },
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

/** The versions of the pool that runs workflows, in this namespace. */
export function createDeployments({ workflowService }: Connection, namespace: string): Deployments {
  async function countOpen(where: string): Promise<number> {
    const query = `ExecutionStatus = 'Running' and ${where}`;
    return Number((await workflowService.countWorkflowExecutions({ namespace, query })).count);
  }

  /** How many processes poll the queue of the workflows, by their build id; null is those without. */
  async function pollers(): Promise<Map<string | null, number>> {
    const { pollers: found } = await workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueues.cpu },
      taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    });
    const counts = new Map<string | null, number>();
    for (const { deploymentOptions } of found.filter(isThere)) {
      const isVersioned =
        deploymentOptions?.workerVersioningMode === WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED;
      const buildId = isVersioned ? (deploymentOptions.buildId ?? null) : null;
      counts.set(buildId, (counts.get(buildId) ?? 0) + 1);
    }
    return counts;
  }

  /** Null before the first worker of any version polls. */
  async function info() {
    try {
      const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({ namespace, deploymentName });
      return workerDeploymentInfo ?? null;
    } catch (error) {
      if (isGrpcServiceError(error) && error.code === grpcStatus.NOT_FOUND) return null;
      throw error;
    }
  }

  return {
    async describe() {
      const [deployment, polling] = await Promise.all([info(), pollers()]);
      const { currentDeploymentVersion, rampingDeploymentVersion, rampingVersionPercentage } =
        deployment?.routingConfig ?? {};
      const current = currentDeploymentVersion?.buildId ?? null;
      const ramping = rampingDeploymentVersion?.buildId ?? null;
      const rampPercent = ramping === null ? 0 : (rampingVersionPercentage ?? 0);
      const shareOf = (buildId: string | null) => {
        if (buildId === current) return 100 - rampPercent;
        return buildId === ramping ? rampPercent : 0;
      };
      const versions = await Promise.all(
        (deployment?.versionSummaries ?? []).map(async (summary): Promise<Version> => {
          const buildId = summary.deploymentVersion?.buildId ?? '';
          return {
            buildId,
            status: statusOf(summary.status),
            share: shareOf(buildId),
            openWorkflows: await countOpen(`TemporalWorkerDeploymentVersion = '${deploymentName}:${buildId}'`),
            workers: polling.get(buildId) ?? 0,
            createdAt: dateOf(summary.createTime) ?? new Date(0),
            since: dateOf(summary.currentSinceTime) ?? dateOf(summary.rampingSinceTime),
            until: dateOf(summary.lastDeactivationTime),
          };
        }),
      );
      return {
        versions: versions.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()),
        unversioned: {
          share: shareOf(null),
          openWorkflows: await countOpen('TemporalWorkerDeploymentVersion is null'),
          workers: polling.get(null) ?? 0,
        },
      };
    },

    setCurrent: (buildId) =>
      refusable(() =>
        workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId: buildId ?? '' }),
      ),

    setRamping: (ramp) =>
      refusable(() =>
        workflowService.setWorkerDeploymentRampingVersion({
          ...{ namespace, deploymentName },
          buildId: ramp?.buildId ?? '',
          percentage: ramp?.percent ?? 0,
        }),
      ),
  };
}

/** The server's own refusals, told as such. */
async function refusable(change: () => Promise<unknown>): Promise<void> {
  const refusals: readonly unknown[] = [
    grpcStatus.FAILED_PRECONDITION,
    grpcStatus.NOT_FOUND,
    grpcStatus.INVALID_ARGUMENT,
  ];
  try {
    await change();
  } catch (error) {
    if (!isGrpcServiceError(error) || !refusals.includes(error.code)) throw error;
    throw new DeploymentRefusedError(error.details, { cause: error });
  }
}

function statusOf(status: proto.temporal.api.enums.v1.WorkerDeploymentVersionStatus | null | undefined): VersionStatus {
  switch (status) {
    case serverStatus.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT:
      return 'current';
    case serverStatus.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING:
      return 'ramping';
    case serverStatus.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING:
      return 'draining';
    case serverStatus.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED:
      return 'drained';
    default:
      return 'waiting';
  }
}

function dateOf(time: proto.google.protobuf.ITimestamp | null | undefined): Date | null {
  return time ? tsToDate(time) : null;
}
