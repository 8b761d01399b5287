import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readConfig } from '../config.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { taskQueues } from './bareQueues.ts';

/** The process of one bare pool, `cpu` or `gpu`: what a worker costs when its activities do nothing. */
const pool = process.argv[2] === 'gpu' ? 'gpu' : 'cpu';
const config = readConfig();
Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: ['SIGTERM', 'SIGINT'] });
const connection = await connectWorker(config);
const worker = await Worker.create({
  connection,
  namespace: config.TEMPORAL_NAMESPACE,
  taskQueue: taskQueues[pool],
  activities: { nothing: () => Promise.resolve() },
  ...(pool === 'cpu' ? { workflowsPath: fileURLToPath(new URL('./bareWorkflow.ts', import.meta.url)) } : {}),
});
process.send?.('polling');
await worker.run();
await connection.close();
