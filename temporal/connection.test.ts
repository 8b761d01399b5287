import { once } from 'node:events';
import { connect, createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { makeCertificates } from '../tests/certificates.ts';
import { connectTemporal } from './connection.ts';
import { connectWorker } from './workerConnection.ts';

/*
 * The local Temporal speaks no TLS, so a gate stands in front of it that does: it lets in only whom the authority
 * vouches for, and notes the API key that each call brings.
 */

const { authority, server, client } = makeCertificates();
const config = readConfig();
const temporal = connect(`http://${config.TEMPORAL_ADDRESS}`);
const keys = new Set<string | undefined>();
const gate = createSecureServer({
  cert: server.certificate,
  key: server.key,
  ca: authority,
  requestCert: true,
  rejectUnauthorized: true,
});
gate.on('stream', (stream: ServerHttp2Stream, headers) => {
  keys.add(headers.authorization);
  const call = temporal.request(headers);
  call.on('response', (answer: IncomingHttpHeaders) => {
    stream.respond(answer, { waitForTrailers: true });
  });
  call.on('trailers', (trailers: IncomingHttpHeaders) => {
    stream.on('wantTrailers', () => {
      stream.sendTrailers(trailers);
    });
  });
  stream.pipe(call).pipe(stream);
});

let remote: typeof config;
beforeAll(async () => {
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  remote = {
    ...config,
    TEMPORAL_ADDRESS: `127.0.0.1:${(gate.address() as AddressInfo).port}`,
    TEMPORAL_API_KEY: 'an-api-key',
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: authority,
    TEMPORAL_TLS_CLIENT_CERT_DATA: client.certificate,
    TEMPORAL_TLS_CLIENT_KEY_DATA: client.key,
  };
});
afterAll(() => {
  gate.close();
  temporal.destroy();
});

test('a client brings its certificate and its API key to a remote Temporal (T4, I5)', async () => {
  keys.clear();
  const connection = await connectTemporal(remote);
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  expect(serverVersion).toMatch(/^\d+\.\d+/);
  expect(keys).toEqual(new Set(['Bearer an-api-key']));
  await connection.close();
});

test('so does a worker', async () => {
  keys.clear();
  const connection = await connectWorker(remote);
  expect(keys).toEqual(new Set(['Bearer an-api-key']));
  await connection.close();
});

test('a server that nobody known vouches for is not spoken to, nor is one that does not know us', async () => {
  const unknown = { ...remote, TEMPORAL_TLS_SERVER_CA_CERT_DATA: undefined };
  const nameless = { ...remote, TEMPORAL_TLS_CLIENT_CERT_DATA: undefined, TEMPORAL_TLS_CLIENT_KEY_DATA: undefined };
  keys.clear();
  for (const refused of [unknown, nameless]) await expect(connectWorker(refused)).rejects.toThrow();
  expect(keys).toEqual(new Set());
});
