import { once } from 'node:events';
import { readConfig } from '../config.ts';
import { clientInterceptors } from '../observability/temporalTracing.ts';
import { openResources } from '../resources.ts';
import { createWorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { createApiDeps } from './deps.ts';
import { startApi } from './server.ts';

/** The process of the gateway: it listens until SIGTERM or SIGINT, lets requests end, and closes what it opened. */
const stopped = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stopped.abort();
  });
}

const config = readConfig();
const resources = openResources(config, 'api');
const { logger } = resources;
const connection = await connectTemporal(config);
const workflows = createWorkflowClient({
  connection,
  namespace: config.TEMPORAL_NAMESPACE,
  interceptors: clientInterceptors(),
});
const api = await startApi(await createApiDeps(resources, workflows), { host: config.HOST, port: config.PORT });
logger.info({ url: api.url }, 'api listening');

if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
await api.close();
await connection.close();
await resources.close();
logger.info('api stopped');
