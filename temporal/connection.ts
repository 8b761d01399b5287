import { Connection } from '@temporalio/client';
import { secondMs } from '../domain/time.ts';

/** Opens a connection to the Temporal server. @throws when it is not reachable within ten seconds. */
export async function connectTemporal(address: string): Promise<Connection> {
  return Connection.connect({ address, connectTimeout: 10 * secondMs });
}
