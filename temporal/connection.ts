import { Connection, type ConnectionOptions } from '@temporalio/client';
import type { Config } from '../config.ts';
import { secondMs } from '../domain/time.ts';

/** What a connection to Temporal is made from. */
export type TemporalSettings = Pick<
  Config,
  | 'TEMPORAL_ADDRESS'
  | 'TEMPORAL_API_KEY'
  | 'TEMPORAL_TLS'
  | 'TEMPORAL_TLS_SERVER_NAME'
  | 'TEMPORAL_TLS_SERVER_CA_CERT_DATA'
  | 'TEMPORAL_TLS_CLIENT_CERT_DATA'
  | 'TEMPORAL_TLS_CLIENT_KEY_DATA'
>;

/** Opens a client's connection to the Temporal server. @throws when it is not reachable within ten seconds. */
export async function connectTemporal(settings: TemporalSettings): Promise<Connection> {
  return Connection.connect({ ...connectionOptions(settings), connectTimeout: 10 * secondMs });
}

/** What the connections of clients and workers have in common. */
export function connectionOptions(
  settings: TemporalSettings,
): Required<Pick<ConnectionOptions, 'address' | 'tls'>> & { apiKey?: string } {
  const { TEMPORAL_ADDRESS, TEMPORAL_API_KEY } = settings;
  return {
    address: TEMPORAL_ADDRESS,
    tls: tlsOf(settings),
    ...(TEMPORAL_API_KEY === undefined ? {} : { apiKey: TEMPORAL_API_KEY }),
  };
}

/** An API key, a name or a certificate asks for TLS by itself; `config.ts` refuses what contradicts that. */
function tlsOf(settings: TemporalSettings): NonNullable<ConnectionOptions['tls']> {
  const {
    TEMPORAL_API_KEY: apiKey,
    TEMPORAL_TLS_SERVER_NAME: serverName,
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: authority,
    TEMPORAL_TLS_CLIENT_CERT_DATA: certificate,
    TEMPORAL_TLS_CLIENT_KEY_DATA: key,
  } = settings;
  const isAsked = [apiKey, serverName, authority, certificate].some((setting) => setting !== undefined);
  if (!(settings.TEMPORAL_TLS ?? isAsked)) return false;
  return {
    ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
    ...(authority === undefined ? {} : { serverRootCACertificate: Buffer.from(authority) }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { clientCertPair: { crt: Buffer.from(certificate), key: Buffer.from(key) } }),
  };
}
