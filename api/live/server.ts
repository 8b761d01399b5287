import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LiveStream } from '../../integrations/liveStream.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { pagesOfOurs } from '../edge.ts';
import { createLiveConnections } from './connections.ts';
import type { SignInDeps } from './followers.ts';
import { createLiveHub } from './hub.ts';
import { createPlainWebSocketTransport } from './plainWebSocket.ts';
import { createSocketIoTransport } from './socketIo.ts';
import { createTrainingWatcher } from './trainings.ts';

export interface LiveServer {
  /** Whether an HTTP request belongs to the live connections: Socket.IO polls where WebSocket cannot pass. */
  isFor(request: IncomingMessage): boolean;
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Takes a WebSocket in, and refuses it on every other path, and from web pages that may not call us. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): Promise<void>;
}

interface LiveDeps extends SignInDeps {
  live: LiveStream;
  metrics: Metrics;
  logger: Logger;
  /** The web pages that may connect from a browser, as their origins, beside our own. */
  corsOrigins: readonly string[];
  publicUrl: string;
}

const path = '/v1/ws';

/**
 * Live updates (G4) in two transports on one path: who names the version of engine.io's protocol (`EIO`) speaks
 * Socket.IO, everybody else plain WebSocket.
 */
export function createLiveServer(deps: LiveDeps): LiveServer {
  const hub = createLiveHub(deps);
  const trainings = createTrainingWatcher(deps);
  const connections = createLiveConnections({ ...deps, hub, trainings });
  const socketIo = createSocketIoTransport(path, connections, pagesOfOurs(deps));
  const plain = createPlainWebSocketTransport(connections);
  const origins = new Set([...deps.corsOrigins, new URL(deps.publicUrl).origin]);

  return {
    isFor: (request) => isLivePath(addressOf(request)) && speaksSocketIo(addressOf(request)),

    answer(request, response) {
      socketIo.http.emit('request', request, response);
    },

    upgrade(request, socket, head) {
      const address = addressOf(request);
      const { origin } = request.headers;
      if (!isLivePath(address)) refuse(socket, 404);
      // A browser lets every page open a WebSocket and says whose it is; who is no browser says nothing.
      else if (origin !== undefined && !origins.has(origin)) refuse(socket, 403);
      else if (speaksSocketIo(address)) socketIo.http.emit('upgrade', request, socket, head);
      else plain.upgrade(request, socket, head);
    },

    async close() {
      plain.close();
      await Promise.all([socketIo.close(), hub.close(), trainings.close()]);
      await connections.close();
    },
  };
}

function refuse(socket: Duplex, status: 403 | 404): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** An address that cannot be read is one where nothing is. */
function addressOf({ url = '' }: IncomingMessage): URL | null {
  return URL.parse(url, 'http://localhost');
}

function isLivePath(address: URL | null): boolean {
  return address?.pathname === path || address?.pathname === `${path}/`;
}

function speaksSocketIo(address: URL | null): boolean {
  return address?.searchParams.has('EIO') === true;
}
