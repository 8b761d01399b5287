import type { Database } from '../../db/database.ts';
import { tiers, type Tier } from '../../domain/tiers.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';

interface MetricsDeps {
  database: Database;
  metrics: Metrics;
  logger: Logger;
}

/** What Prometheus scrapes. The figures that only the database knows are read now; without it the rest is told. */
export async function renderMetrics({ database, metrics, logger }: MetricsDeps): Promise<string> {
  metrics.databaseConnectionsActive.set(database.activeConnections());
  try {
    const rows = await database
      .asService()
      .execute<{ tier: Tier; count: number }[]>(`select tier, count(*)::int as count from users group by tier`);
    for (const tier of tiers) {
      metrics.userTierDistribution.set({ tier }, rows.find((row) => row.tier === tier)?.count ?? 0);
    }
  } catch (error) {
    logger.warn({ error }, 'accounts by tier could not be counted');
  }
  return metrics.registry.metrics();
}
