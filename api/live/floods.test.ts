import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '../../observability/logger.ts';
import { startTestApi, type TestApi } from '../../tests/api.ts';
import { transports, upgradeRequest } from '../../tests/liveClients.ts';
import { endFloods } from './floods.ts';

let api: TestApi;
let lines: string[];
const logger = createLogger({ service: 'test', level: 'warn', destination: { write: (line) => lines.push(line) } });
beforeAll(async () => {
  api = await startTestApi({ deps: { logger } });
});
afterAll(() => api.close());
beforeEach(() => {
  lines = [];
});

const queries = { 'Socket.IO': '?EIO=4&transport=websocket', 'plain WebSocket': '' };

/** A frame of a client, masked with zeros, which leave it as it is (RFC 6455, section 5.2). */
const frame = (first: number, payload: string): Buffer =>
  Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);

describe.each(transports)('a client over %s is cut off (G4, S1)', (transport) => {
  test.each([
    ['pings without end', [], frame(0x89, 'x'.repeat(125))],
    ['answers to pings that nobody sent', [], frame(0x8a, 'x'.repeat(125))],
    ['a message in parts that come to nothing and never end', [frame(0x01, '')], frame(0x00, '')],
  ])('that sends %s', async (_what, opening, repeated) => {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    // It is cut off in the middle of a word.
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(upgradeRequest(api.url, `/v1/ws${queries[transport]}`));
    await once(socket, 'data');
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => repeated));
    const flood = () => {
      while (!socket.destroyed && socket.write(many));
    };
    socket.on('drain', flood);
    opening.forEach((bytes) => socket.write(bytes));
    flood();
    socket.pause();
    await closed;
    expect(lines.join('')).toContain('a live connection sent more than any client does');
  });
});

test('a line on which answers pile up unread is ended by the next word of its client (G4, S1)', async () => {
  const flooded = Promise.withResolvers<undefined>();
  const server = createServer((near) => {
    endFloods(near, () => {
      flooded.resolve(undefined);
    });
    // More than both systems hold of it between them.
    near.write(Buffer.alloc(64 * 1_024 * 1_024));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  await once(socket, 'connect');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('x');
  await flooded.promise;
  socket.resume();
  await closed;
  server.close();
});
