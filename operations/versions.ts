import { setTimeout as wait } from 'node:timers/promises';
import type { AuditDetails } from '../db/auditEntries.ts';
import type { Database } from '../db/database.ts';
import type { Actor, OperatorAction } from '../domain/operations.ts';
import { DeploymentRefusedError, type Deployment, type Deployments, type Version } from '../temporal/deployments.ts';
import { audited } from './audited.ts';

/** Which version of the workflow code new workflows begin with. What has begun stays on its own. */

export interface VersionDeps {
  deployments: Deployments;
  database: Database;
  by: Actor;
}

/** What a change came to: where new workflows begin now. */
export interface Change {
  /** Null is workers without a build id. */
  current: string | null;
  ramping: { buildId: string; percent: number } | null;
}

/**
 * Gives this share of the new workflows to a version; all of them make it the current one. Again changes nothing.
 *
 * @throws DeploymentRefusedError where nobody polls for that version
 */
export function ramp(
  deps: VersionDeps,
  { buildId, percent, reason }: { buildId: string; percent: number; reason?: string },
): Promise<Change> {
  const change: Change = { current: null, ramping: null };
  return written(deps, 'ramp', { build: buildId, percent }, reason, async (deployment) => {
    if (!(await isPolled(deps.deployments, deployment, buildId))) {
      throw new DeploymentRefusedError(`No worker polls for ${buildId}: start its pool first.`);
    }
    const current = currentOf(deployment);
    if (percent === 100) {
      await deps.deployments.setCurrent(buildId);
      // A ramp to another version would go on beside the new one.
      if (rampOf(deployment, buildId) !== null) await deps.deployments.setRamping(null);
      return { ...change, current: buildId };
    }
    if (buildId === current) {
      throw new DeploymentRefusedError(`${buildId} is the current version already; ramp to another one, or roll back.`);
    }
    await deps.deployments.setRamping({ buildId, percent });
    return { current, ramping: { buildId, percent } };
  });
}

/**
 * Ends a ramp; without one, gives everything new back to the version that was current before this one. Pressed again it
 * goes no further: what was rolled back from is newer, and never rolled back to.
 *
 * @throws DeploymentRefusedError where there is nothing to go back to
 */
export function rollBack(deps: VersionDeps, { reason }: { reason?: string } = {}): Promise<Change> {
  return written(deps, 'rollback', {}, reason, async (deployment) => {
    const current = currentOf(deployment);
    if (rampOf(deployment) !== null) {
      await deps.deployments.setRamping(null);
      return { current, ramping: null };
    }
    const before = buildBefore(deployment);
    if (!(await isPolled(deps.deployments, deployment, before))) {
      throw new DeploymentRefusedError(
        before === null
          ? `Before ${String(current)} there were workers without a build id, and none of them polls any more.`
          : `No worker polls for ${before}, which was current before: start its pool first.`,
      );
    }
    await deps.deployments.setCurrent(before);
    return { current: before, ramping: null };
  });
}

function currentOf({ versions }: Deployment): string | null {
  return versions.find(({ status }) => status === 'current')?.buildId ?? null;
}

/** What ramps, other than this version. */
function rampOf({ versions }: Deployment, other?: string): Version | null {
  return versions.find(({ status, buildId }) => status === 'ramping' && buildId !== other) ?? null;
}

/**
 * The version that the current one took over from: the server stamps both with the same moment. Null is workers without
 * a build id.
 */
function buildBefore({ versions }: Deployment): string | null {
  const current = versions.find(({ status }) => status === 'current');
  if (current === undefined) throw new DeploymentRefusedError('No version is current, so there is none to roll back.');
  const before = versions.find(({ until }) => until !== null && until.getTime() === current.since?.getTime());
  if (before !== undefined && before.createdAt > current.createdAt) {
    throw new DeploymentRefusedError(
      `${current.buildId} is what was rolled back to, from ${before.buildId}; "ramp" goes to any other version.`,
    );
  }
  return before?.buildId ?? null;
}

const lookEveryMs = 500;
const looks = 6;

/**
 * Whether a worker polls for a version. Temporal's list of them is empty for a moment whenever it loads a task queue anew,
 * so that nobody polls is believed only after a few looks, of which the first was had.
 */
async function isPolled(deployments: Deployments, first: Deployment, buildId: string | null): Promise<boolean> {
  let isSeen = workersOf(first, buildId) > 0;
  for (let look = 2; !isSeen && look <= looks; look += 1) {
    await wait(lookEveryMs);
    isSeen = workersOf(await deployments.describe(), buildId) > 0;
  }
  return isSeen;
}

function workersOf({ versions, unversioned }: Deployment, buildId: string | null): number {
  if (buildId === null) return unversioned.workers;
  return versions.find((version) => version.buildId === buildId)?.workers ?? 0;
}

/** Makes a change, and writes down who made it and what it came to. */
async function written(
  { deployments, database, by }: VersionDeps,
  action: OperatorAction,
  details: AuditDetails,
  reason: string | undefined,
  make: (deployment: Deployment) => Promise<Change>,
): Promise<Change> {
  const deployment = await deployments.describe();
  const before = { ...details, currentBefore: currentOf(deployment) };
  const press = { action, by, details: before, ...(reason === undefined ? {} : { reason }) };
  return audited(
    database,
    press,
    () => make(deployment),
    ({ current }) => ({ current }),
  );
}
