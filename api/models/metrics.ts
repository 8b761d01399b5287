import type { Database } from '../../db/database.ts';
import { listActive } from '../../db/models.ts';
import type { DriftCounts } from '../../integrations/driftCounts.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { readDrift } from './reading.ts';

/** Over how many days the metric looks: long enough for small platforms, short enough to see a change. */
const days = 7;

/** Sets the drift of each active version, where it rests on enough sessions to mean something. */
export async function setDriftMetrics(deps: {
  database: Database;
  driftCounts: DriftCounts;
  metrics: Pick<Metrics, 'modelDriftPsi'>;
}): Promise<void> {
  deps.metrics.modelDriftPsi.reset();
  for (const active of await listActive(deps.database.asService())) {
    const drift = await readDrift(deps.driftCounts, active, days);
    for (const { feature, index } of drift?.features ?? []) {
      const labels = { model: active.name, version: active.version, feature };
      if (index !== null) deps.metrics.modelDriftPsi.set(labels, index);
    }
  }
}
