import { Connection, type ConnectionOptions } from '@temporalio/client';

/** Where Temporal is; `namespace` keeps environments apart. */
export interface TemporalAddress {
  address: string;
  namespace: string;
}

/** Opens a connection to the Temporal server. @throws when it is not reachable within ten seconds. */
export async function connectTemporal(
  { address }: TemporalAddress,
  options: Pick<ConnectionOptions, 'interceptors'> = {},
): Promise<Connection> {
  return Connection.connect({ address, connectTimeout: '10s', ...options });
}
