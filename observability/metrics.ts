import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { registerHostMetrics } from './hostMetrics.ts';

const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 2, 5, 10];
const workSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60];

/**
 * The metrics of a process (I2), by the names of the specification; ours follow in plain names. Each is a property
 * named like its metric in camelCase. Labels come from closed lists (routes as patterns, never as addresses): an id or
 * anything that a person recorded is never a label. A metric that a process does not use stays without samples.
 */
export function createMetrics(service: string) {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  registerHostMetrics(registry);

  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });

  return {
    registry,
    ...cacheMetrics(registry),

    sessionsCreatedTotal: counter('sessions_created_total', 'Sessions created.', ['session_type']),
    sessionsCompletedTotal: counter('sessions_completed_total', 'Sessions that came to their end, by how they ended.', [
      'session_type',
      'status',
    ]),
    analysisDurationSeconds: histogram(
      'analysis_duration_seconds',
      'From the start of a session analysis to its stored results.',
      ['session_type'],
      workSeconds,
    ),
    attachmentsEndedTotal: counter(
      'attachments_ended_total',
      'Attachments that came to their end, by how they ended.',
      ['status'],
    ),
    userTierDistribution: gauge('user_tier_distribution', 'Accounts by tier.', ['tier']),
    apiUsageByEndpoint: counter('api_usage_by_endpoint', 'Calls of each endpoint, by its route pattern.', [
      'endpoint',
      'method',
    ]),

    httpRequestsTotal: counter('http_requests_total', 'HTTP requests answered.', ['method', 'route', 'status']),
    httpRequestDurationSeconds: histogram(
      'http_request_duration_seconds',
      'From the arrival of a request to the end of its answer.',
      ['method', 'route', 'status'],
      requestSeconds,
    ),
    rateLimitDecisionsTotal: counter(
      'rate_limit_decisions_total',
      'Requests that were allowed or refused by their rate; counted by this process alone while Redis is gone.',
      ['class', 'outcome', 'counted_by'],
    ),
    databaseConnectionsActive: gauge('database_connections_active', 'Database connections in use.'),
    aiInferenceDurationSeconds: histogram(
      'ai_inference_duration_seconds',
      'One run of a model, over all the sessions that it answered together.',
      ['model', 'backend'],
      workSeconds,
    ),
    inferenceCacheReadsTotal: counter(
      'inference_cache_reads_total',
      'Sessions that looked for an earlier answer to the same content, by whether there was one.',
      ['outcome'],
    ),
    inferenceBatchSize: histogram(
      'inference_batch_size',
      'Sessions that a model answered together.',
      ['model'],
      [1, 2, 4, 8, 16, 32],
    ),
    inferenceQueueSeconds: histogram(
      'inference_queue_seconds',
      'From a session asking for a model to the start of the run that answered it.',
      ['model'],
      [...workSeconds.filter((seconds) => seconds < 30), 30, 60],
    ),

    modelVersionsLoaded: gauge('model_versions_loaded', 'Versions that this worker serves: 1 each.', [
      'model',
      'version',
    ]),
    modelLoadFailuresTotal: counter('model_load_failures_total', 'Versions refused when they were loaded.', [
      'model',
      'version',
    ]),
    modelShadowRunsTotal: counter('model_shadow_runs_total', 'Runs of shadow versions, by how they ended.', [
      'model',
      'outcome',
    ]),
    modelDriftPsi: gauge(
      'model_drift_psi',
      'Population stability index of what the active version observed in seven days, against its training.',
      ['model', 'version', 'feature'],
    ),

    taskQueueBacklog: gauge('task_queue_backlog', 'Tasks that wait in a queue, as Temporal estimates them.', ['queue']),
    taskQueueBacklogAgeSeconds: gauge(
      'task_queue_backlog_age_seconds',
      'How long the oldest task of a queue has waited.',
      ['queue'],
    ),
    taskQueueWorkers: gauge('task_queue_workers', 'Processes that poll a queue.', ['queue']),
    taskQueuePaused: gauge('task_queue_paused', 'Whether an operator has a queue wait: 1, or 0.', ['queue']),

    liveConnections: gauge('live_connections', 'Clients connected for live updates.'),
    liveUpdatesTotal: counter('live_updates_total', 'Live updates sent to clients.'),
    liveSlowReadersTotal: counter(
      'live_slow_readers_total',
      'Live connections that were ended because updates were not read in time.',
    ),
    backupAgeSeconds: gauge(
      'backup_age_seconds',
      'Since the moment that the newest good backup holds; infinite while there is none.',
    ),
    backupLastSuccessTimestampSeconds: gauge(
      'backup_last_success_timestamp_seconds',
      'The moment that the newest good backup holds, in seconds since 1970.',
    ),
    backupDurationSeconds: gauge('backup_duration_seconds', 'How long the newest good backup took.'),
    backupBytes: gauge(
      'backup_bytes',
      'What the newest good backup holds of the database and of objects, and what of it was new.',
      ['part'],
    ),
    backupFailures: gauge('backup_failures', 'Backups that failed since the newest good one.'),
    backupRunning: gauge('backup_running', '1 while a backup is made.'),
    rehearsalAgeSeconds: gauge(
      'backup_rehearsal_age_seconds',
      'Since a restore was last rehearsed with success; infinite while none was.',
    ),
    rehearsalPassed: gauge('backup_rehearsal_passed', '1 when the newest rehearsal of a restore passed, 0 when not.'),
    trainingEpochsTotal: counter('training_epochs_total', 'Epochs that trainings have done.', ['model']),
    trainingLoss: gauge('training_loss', 'Mean loss of each network in the newest epoch.', ['model', 'network']),
    webhookAttemptsTotal: counter('webhook_attempts_total', 'Attempts at webhooks, by how they ended.', ['outcome']),
    sessionsStuck: gauge('sessions_stuck', 'Open sessions that need somebody, by what is wrong.', ['reason']),
    stuckSearchAgeSeconds: gauge(
      'stuck_search_age_seconds',
      'Since stuck sessions were last searched for; no sample before the first search.',
    ),
    sessionStepAttemptsTotal: counter('session_step_attempts_total', 'Attempts of each step, by their outcome.', [
      'step',
      'outcome',
    ]),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** The cache's counters, and the ratio of the specification made from them: 1 before the first read. */
function cacheMetrics(registry: Registry) {
  const registers = [registry];
  let hits = 0;
  let misses = 0;
  const reads = new Counter({
    name: 'cache_reads_total',
    help: 'Reads from the cache; a read while Redis is gone is a miss.',
    labelNames: ['outcome'],
    registers,
  });
  const cacheWritesDroppedTotal = new Counter({
    name: 'cache_writes_dropped_total',
    help: 'Writes to the cache that were dropped because Redis was gone.',
    registers,
  });
  new Gauge({
    name: 'cache_hit_ratio',
    help: 'Share of cache reads that were answered, since the process started.',
    registers,
    collect() {
      this.set(hits + misses === 0 ? 1 : hits / (hits + misses));
    },
  });
  const cacheRead = (outcome: 'hit' | 'miss'): void => {
    if (outcome === 'hit') hits += 1;
    else misses += 1;
    reads.inc({ outcome });
  };
  return { cacheRead, cacheWritesDroppedTotal };
}
