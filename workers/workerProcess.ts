import { Runtime, type NativeConnection, type Worker } from '@temporalio/worker';
import { readConfig } from '../config.ts';
import { temporalLogger } from '../observability/temporalLogger.ts';
import { startTelemetryServer } from '../observability/telemetryServer.ts';
import { openResources, type Resources } from '../resources.ts';
import { connectWorker } from '../temporal/workerConnection.ts';

export interface Pool {
  worker: Worker;
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
  const { worker, close } = await createPool(resources, connection);
  const telemetry = await startTelemetryServer({
    host: config.HOST,
    port: config.METRICS_PORT,
    metrics,
    logger,
    checks: {
      ...resources.checks,
      temporal: () => (worker.getState() === 'RUNNING' ? Promise.resolve() : Promise.reject(new Error('not polling'))),
    },
  });
  logger.info({ port: telemetry.port }, `${service} is polling`);
  try {
    await worker.run();
  } finally {
    await telemetry.close();
    await close?.();
    await connection.close();
    await resources.close();
  }
  logger.info(`${service} has stopped`);
}
