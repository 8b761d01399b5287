import { Connection, type ClientPlugin, type ConnectionOptions } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { Config } from '../config.ts';
import { secondMs } from '../domain/time.ts';
import { createDataConverter } from './codec.ts';

/** What a connection to Temporal is made from. */
export type TemporalSettings = Pick<
  Config,
  | 'TEMPORAL_ADDRESS'
  | 'TEMPORAL_API_KEY'
  | 'TEMPORAL_PAYLOAD_KEYS'
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

interface CommonOptions {
  address: string;
  tls: NonNullable<ConnectionOptions['tls']>;
  apiKey?: string;
  plugins: EncryptionPlugin[];
}

/** What the connections of clients and workers have in common. */
export function connectionOptions(settings: TemporalSettings): CommonOptions {
  const { TEMPORAL_ADDRESS, TEMPORAL_API_KEY, TEMPORAL_PAYLOAD_KEYS } = settings;
  return {
    address: TEMPORAL_ADDRESS,
    tls: tlsOf(settings),
    ...(TEMPORAL_API_KEY === undefined ? {} : { apiKey: TEMPORAL_API_KEY }),
    plugins: [encryptionPlugin(createDataConverter(TEMPORAL_PAYLOAD_KEYS))],
  };
}

interface EncryptionPlugin extends Required<Pick<ClientPlugin, 'name' | 'configureClient'>> {
  configureWorker<Options extends { dataConverter?: DataConverter }>(options: Options): Options;
}

/** A connection hands its plugins to every client and worker made with it, so that none can be made without. */
function encryptionPlugin(dataConverter: DataConverter): EncryptionPlugin {
  return {
    name: 'mindpeeker.encryption',
    configureClient: (options) => ({ ...options, dataConverter }),
    configureWorker: (options) => ({ ...options, dataConverter }),
  };
}

/** An API key, a name or a certificate asks for TLS by itself; `config.ts` refuses what contradicts that. */
function tlsOf(settings: TemporalSettings): CommonOptions['tls'] {
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
