import { Runtime, type NativeConnection, type Worker } from '@temporalio/worker';
import { readConfig } from '../config.ts';
import { temporalLogger } from '../observability/temporalLogger.ts';
import { startTelemetryServer } from '../observability/telemetryServer.ts';
import { openResources, type Resources } from '../resources.ts';
import { connectWorker } from '../temporal/workerConnection.ts';

interface Pool {
  /** By what `/readyz` calls them. A signal stops them all, and so does the end of one. */
  workers: Readonly<Record<string, Worker>>;
  /** Ends what the pool opened beside its worker. */
  close?: () => Promise<void>;
}

/**
 * The life of a worker process: it opens its resources, serves /metrics and /readyz, works until SIGTERM or SIGINT,
 * lets running attempts end, and closes everything.
 */
export async function runWorkerProcess(
  service: string,
  createPool: (resources: Resources, connection: NativeConnection) => Promise<Pool>,
): Promise<void> {
  const config = readConfig();
  const resources = openResources(config, service);
  const { logger, metrics } = resources;
  Runtime.install({ logger: temporalLogger(logger), shutdownSignals: ['SIGTERM', 'SIGINT'] });

  const connection = await connectWorker(config);
  const { workers, close } = await createPool(resources, connection);
  const telemetry = await startTelemetryServer({
    host: config.HOST,
    port: config.METRICS_PORT,
    metrics,
    logger,
    checks: {
      ...resources.checks,
      ...Object.fromEntries(Object.entries(workers).map(([name, worker]) => [name, () => requirePolling(worker)])),
    },
  });
  logger.info({ port: telemetry.port }, `${service} is polling`);
  try {
    await runAll(Object.values(workers));
  } finally {
    await telemetry.close();
    await close?.();
    await connection.close();
    await resources.close();
  }
  logger.info(`${service} has stopped`);
}

function requirePolling(worker: Worker): Promise<void> {
  return worker.getState() === 'RUNNING' ? Promise.resolve() : Promise.reject(new Error('not polling'));
}

/** Runs until all have ended; one that ends by itself takes the others along, so that no process works by half. */
async function runAll(workers: readonly Worker[]): Promise<void> {
  const stopOthers = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const ends = await Promise.allSettled(workers.map((worker) => worker.run().finally(stopOthers)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
