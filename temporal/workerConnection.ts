import { NativeConnection } from '@temporalio/worker';
import { connectionOptions, type TemporalSettings } from './connection.ts';

/** Opens a worker's connection to the Temporal server. It stands apart, so that no client loads what workers need. */
export async function connectWorker(settings: TemporalSettings): Promise<NativeConnection> {
  return NativeConnection.connect(connectionOptions(settings));
}
