import { readBackupState } from '../../db/backups.ts';
import type { Database } from '../../db/database.ts';
import { countStuck, lastSearch } from '../../db/stuckSessions.ts';
import { stuckReasons } from '../../domain/stuck.ts';
import { tiers, type Tier } from '../../domain/tiers.ts';
import { secondMs } from '../../domain/time.ts';
import type { DriftCounts } from '../../integrations/driftCounts.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { WorkflowClient } from '../../temporal/client.ts';
import { setDriftMetrics } from '../models/metrics.ts';

interface MetricsDeps {
  database: Database;
  driftCounts: DriftCounts;
  workflows: Pick<WorkflowClient, 'queues'>;
  metrics: Metrics;
  logger: Logger;
}

/** What Prometheus scrapes. The figures that only the database and Redis know are read now; without them the rest is told. */
export async function renderMetrics(deps: MetricsDeps): Promise<string> {
  const { database, metrics, logger } = deps;
  metrics.databaseConnectionsActive.set(database.activeConnections());
  try {
    await setTierMetrics(deps);
    await setDriftMetrics(deps);
    await setStuckMetrics(deps);
    await setBackupMetrics(deps);
  } catch (error) {
    logger.warn({ error }, 'accounts by tier, drift, stuck sessions and backups could not be read');
  }
  try {
    await setQueueMetrics(deps);
  } catch (error) {
    // What is not known is not told: an old figure would look like a queue that stands still.
    for (const gauge of queueGauges(metrics)) gauge.reset();
    logger.warn({ error }, 'the queues could not be read');
  }
  return metrics.registry.metrics();
}

async function setTierMetrics({ database, metrics }: MetricsDeps): Promise<void> {
  const rows = await database
    .asService()
    .execute<{ tier: Tier; count: number }[]>(`select tier, count(*)::int as count from users group by tier`);
  for (const tier of tiers) {
    metrics.userTierDistribution.set({ tier }, rows.find((row) => row.tier === tier)?.count ?? 0);
  }
}

async function setQueueMetrics({ workflows, metrics }: MetricsDeps): Promise<void> {
  for (const { queue, backlog, backlogAgeSeconds, workers, paused } of await workflows.queues.states()) {
    metrics.taskQueueBacklog.set({ queue }, backlog);
    metrics.taskQueueBacklogAgeSeconds.set({ queue }, backlogAgeSeconds);
    metrics.taskQueueWorkers.set({ queue }, workers);
    metrics.taskQueuePaused.set({ queue }, paused === null ? 0 : 1);
  }
}

function queueGauges(metrics: Metrics) {
  const { taskQueueBacklog, taskQueueBacklogAgeSeconds, taskQueueWorkers, taskQueuePaused } = metrics;
  return [taskQueueBacklog, taskQueueBacklogAgeSeconds, taskQueueWorkers, taskQueuePaused];
}

async function setStuckMetrics({ database, metrics }: MetricsDeps): Promise<void> {
  const em = database.asService();
  const counts = await countStuck(em);
  for (const reason of stuckReasons) {
    metrics.sessionsStuck.set({ reason }, counts.find((row) => row.reason === reason)?.count ?? 0);
  }
  const search = await lastSearch(em);
  if (search) metrics.stuckSearchAgeSeconds.set((Date.now() - search.finishedAt.getTime()) / secondMs);
}

async function setBackupMetrics({ database, metrics }: MetricsDeps): Promise<void> {
  const { newest, failures, running, rehearsed, lastPassedAt } = await readBackupState(database.asService());
  metrics.backupAgeSeconds.set(secondsSince(newest?.takenAt));
  metrics.backupFailures.set(failures);
  metrics.backupRunning.set(running ? 1 : 0);
  metrics.rehearsalAgeSeconds.set(secondsSince(lastPassedAt));
  if (rehearsed !== null) metrics.rehearsalPassed.set(rehearsed.state === 'passed' ? 1 : 0);
  if (!newest?.takenAt || !newest.endedAt) return;
  metrics.backupLastSuccessTimestampSeconds.set(newest.takenAt.getTime() / secondMs);
  metrics.backupDurationSeconds.set((newest.endedAt.getTime() - newest.startedAt.getTime()) / secondMs);
  metrics.backupBytes.set({ part: 'database' }, newest.databaseBytes);
  metrics.backupBytes.set({ part: 'objects' }, newest.objectBytes);
  metrics.backupBytes.set({ part: 'new_objects' }, newest.newBytes);
}

function secondsSince(time: Date | null | undefined): number {
  return time ? (Date.now() - time.getTime()) / secondMs : Infinity;
}
