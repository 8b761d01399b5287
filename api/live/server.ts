import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import cors from 'cors';
import { ApiError } from '../../domain/errors.ts';
import type { LiveStream } from '../../integrations/liveStream.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { pagesOfOurs } from '../edge.ts';
import { toApiError } from '../errors.ts';
import { createLimiter, type LimiterDeps } from '../limits.ts';
import { addressOf, trustIn } from '../network.ts';
import { answerWith, createRefuse, endWith, type Refusal } from '../refusals.ts';
import { createLiveConnections } from './connections.ts';
import type { SignInDeps } from './followers.ts';
import { endFloods } from './floods.ts';
import { createLiveHub } from './hub.ts';
import { createPlainWebSocketTransport } from './plainWebSocket.ts';
import { createSocketIoTransport } from './socketIo.ts';
import { createTrainingWatcher } from './trainings.ts';

export interface LiveServer {
  /** Whether an HTTP request belongs to the live connections: Socket.IO polls where WebSocket cannot pass. */
  isFor(request: IncomingMessage): boolean;
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Takes a WebSocket in, and refuses it on every other path, from web pages that may not call us, and beyond the limit. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): Promise<void>;
}

interface LiveDeps extends SignInDeps, LimiterDeps {
  live: LiveStream;
  metrics: Metrics;
  logger: Logger;
  /** The web pages that may connect from a browser, as their origins, beside our own. */
  corsOrigins: readonly string[];
  publicUrl: string;
  /** Whose X-Forwarded-For is believed; 0 for nobody. */
  trustedProxies: number | string[];
}

const path = '/v1/ws';

/**
 * Live updates (G4) in two transports on one path: who names the version of engine.io's protocol (`EIO`) speaks
 * Socket.IO, everybody else plain WebSocket.
 */
export function createLiveServer(deps: LiveDeps): LiveServer {
  const hub = createLiveHub(deps);
  const trainings = createTrainingWatcher(deps);
  const limit = createLimiter(deps);
  const connections = createLiveConnections({ ...deps, hub, trainings, limit });
  const socketIo = createSocketIoTransport(path, connections, pagesOfOurs(deps));
  const plain = createPlainWebSocketTransport(connections);
  const origins = new Set([...deps.corsOrigins, new URL(deps.publicUrl).origin]);
  const admitPages = cors(pagesOfOurs(deps));
  const trust = trustIn(deps.trustedProxies);
  const refuse = createRefuse(deps.logger, { message: 'connection refused', route: path });

  /** Counts a connection that is asked for, by its address; null where it may be opened. */
  async function refusalFor(request: IncomingMessage): Promise<Refusal | null> {
    const headers: Record<string, string> = {};
    try {
      await limit({ rateClass: 'read', caller: null, address: addressOf(request, trust), cost: 1 }, (name, value) => {
        headers[name] = value;
      });
      return null;
    } catch (error) {
      return refuse(toApiError(error), headers);
    }
  }

  async function poll(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const opensNone = request.method === 'OPTIONS' || isOfConnection(urlOf(request));
    const refusal = opensNone ? null : await refusalFor(request);
    if (refusal === null) socketIo.http.emit('request', request, response);
    else {
      admitPages(request, response, () => {
        answerWith(response, refusal);
      });
    }
  }

  async function takeIn(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const url = urlOf(request);
    const refusal = isOfConnection(url) ? null : await refusalFor(request);
    if (refusal !== null) {
      endWith(socket, refusal);
      return;
    }
    if (speaksSocketIo(url)) socketIo.http.emit('upgrade', request, socket, head);
    else plain.upgrade(request, socket, head);
    // Behind the two, since what comes before they listen would be lost on them.
    endFloods(socket, () => {
      deps.logger.warn({ route: path }, 'a live connection sent more than any client does, or read nothing');
    });
  }

  return {
    isFor: (request) => isLivePath(urlOf(request)) && speaksSocketIo(urlOf(request)),

    answer(request, response) {
      void poll(request, response);
    },

    upgrade(request, socket, head) {
      // Node.js leaves the socket to us, and an error that nobody hears would end the process.
      socket.on('error', () => undefined);
      const { origin } = request.headers;
      if (!isLivePath(urlOf(request))) endWith(socket, refuse(new ApiError('not_found')));
      // A browser lets every page open a WebSocket and says whose it is; who is no browser says nothing.
      else if (origin !== undefined && !origins.has(origin)) endWith(socket, refuse(new ApiError('forbidden', noPage)));
      else void takeIn(request, socket, head);
    },

    async close() {
      plain.close();
      await Promise.all([socketIo.close(), hub.close(), trainings.close()]);
      await connections.close();
    },
  };
}

const noPage = [{ path: 'Origin', message: 'is of a web page that may not call' }];

/** Where it is addressed to; what cannot be read is where nothing is. */
function urlOf({ url = '' }: IncomingMessage): URL | null {
  return URL.parse(url, 'http://localhost');
}

function isLivePath(url: URL | null): boolean {
  return url?.pathname === path || url?.pathname === `${path}/`;
}

function speaksSocketIo(url: URL | null): boolean {
  return url?.searchParams.has('EIO') === true;
}

/**
 * Polling, and the step from polling to WebSocket, are of a connection that was counted when it was opened; where there
 * is none of this id, Socket.IO opens none. Of several ids it takes the last one.
 */
function isOfConnection(url: URL | null): boolean {
  return speaksSocketIo(url) && (url?.searchParams.getAll('sid').at(-1) ?? '') !== '';
}
