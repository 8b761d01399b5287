import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { isPaused, listModels } from '../../db/models.ts';
import { sessionStatuses, sessionTypes, type SessionStatus } from '../../domain/session.ts';
import type { SessionCache } from '../../integrations/sessionCache.ts';
import type { WorkflowClient } from '../../temporal/client.ts';

const count = z.int().min(0);

export const statsSchema = z
  .object({
    sessionsByStatus: z.record(z.enum(sessionStatuses), count).describe('Sessions of the whole platform.'),
    queues: z
      .array(
        z.object({
          queue: z.string(),
          workers: count,
          backlog: count,
          backlogAgeSeconds: z.number().min(0).describe('How long the oldest task has waited.'),
          paused: z.boolean().describe('For maintenance: what waits goes on afterwards.'),
        }),
      )
      .describe('Where work waits: processes that poll, and tasks that wait.'),
    pausedModels: z.array(z.enum(sessionTypes)).describe('Models for which sessions wait, for maintenance.'),
    countedAt: z.iso.datetime(),
  })
  .meta({ id: 'Stats' });
export type Stats = z.output<typeof statsSchema>;

interface StatsDeps {
  database: Database;
  workflows: WorkflowClient;
  cache: SessionCache;
}

/** Counts at most every thirty seconds (`stats:realtime`, D2), and once however many ask at the same moment. */
export function createStatsReader(deps: StatsDeps): () => Promise<Stats> {
  const entry = deps.cache.cacheEntry('realtimeStats');
  return async () => (await entry.load(statsSchema, () => countAll(deps))) ?? countAll(deps);
}

async function countAll({ database, workflows }: StatsDeps): Promise<Stats> {
  const [rows, models, queues] = await Promise.all([
    // The service's own figures, over all users: counts alone leave here.
    database
      .asService()
      .execute<{ status: SessionStatus; count: number }[]>(
        `select status, count(*)::int as count from sessions group by status`,
      ),
    listModels(database.asService()),
    workflows.queues.states(),
  ]);
  const countOf = (status: SessionStatus) => rows.find((row) => row.status === status)?.count ?? 0;
  return {
    sessionsByStatus: {
      pending: countOf('pending'),
      created: countOf('created'),
      analyzing: countOf('analyzing'),
      notifying: countOf('notifying'),
      billing: countOf('billing'),
      completed: countOf('completed'),
      failed: countOf('failed'),
      cancelled: countOf('cancelled'),
      expired: countOf('expired'),
    },
    queues: queues.map(({ queue, workers, backlog, backlogAgeSeconds, paused }) => ({
      queue,
      workers,
      backlog,
      backlogAgeSeconds,
      paused: paused !== null,
    })),
    pausedModels: models.filter(isPaused).map(({ name }) => name),
    countedAt: new Date().toISOString(),
  };
}
