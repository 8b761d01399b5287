import { randomUUID } from 'node:crypto';
import { readConfig, type Config } from '../config.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { provisionTemporal } from '../temporal/provision.ts';

/** A namespace of its own on the test stack, for tests that pause queues or fill them: nobody else's work is in it. */
export async function ownNamespace(): Promise<Pick<Config, 'TEMPORAL_NAMESPACE'>> {
  const TEMPORAL_NAMESPACE = `own-${randomUUID().slice(0, 8)}`;
  const config = readConfig();
  const connection = await connectTemporal(config);
  await provisionTemporal(connection, { ...config, TEMPORAL_NAMESPACE });
  await connection.close();
  return { TEMPORAL_NAMESPACE };
}
