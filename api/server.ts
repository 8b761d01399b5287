import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError } from '../domain/errors.ts';
import { secondMs } from '../domain/time.ts';
import { createApp } from './app.ts';
import type { ApiDeps } from './deps.ts';
import { createLiveServer } from './live/server.ts';
import { answerWith, createRefuse, endWith } from './refusals.ts';

export interface RunningApi {
  url: string;
  /** Lets the requests under way come to their end, for a while, and closes every socket. It closes none of the dependencies. */
  close(): Promise<void>;
}

/** How long a client may take; who is slower is cut off, so that nobody holds connections for nothing. */
export interface ClientPatience {
  /** From the first byte of a request to the end of its headers. */
  headersMs: number;
  /** From the first byte of a request to its end: ten megabytes over a slow line still pass. */
  requestMs: number;
  /** A connection on which nothing is sent or read, also in the middle of an answer. */
  silenceMs: number;
  /** How often it is looked after. */
  checkEveryMs: number;
  /** How long what is under way may take once the server closes. */
  closeMs: number;
}

const clientPatience: ClientPatience = {
  headersMs: 15 * secondMs,
  requestMs: 120 * secondMs,
  silenceMs: 150 * secondMs,
  checkEveryMs: 5 * secondMs,
  // Temporal alone is waited for ten seconds.
  closeMs: 20 * secondMs,
};

const idleCloseMs = 20;

/** Starts the gateway: HTTP and live updates on one port; `port` 0 takes any free one. */
export async function startApi(
  deps: ApiDeps,
  address: { host: string; port: number },
  patience = clientPatience,
): Promise<RunningApi> {
  const underWay = new Set<ServerResponse>();
  const refuse = createRefuse(deps.logger, { message: 'request refused' });
  let isClosing = false;

  /** Whoever is answered while the server closes is told to take another connection for what comes next. */
  function sendElsewhere(response: ServerResponse): void {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  }

  /** What is no HTTP request has its answer in the envelope, too (G3). */
  function refuseMalformed(cause: Error & { code?: string }, socket: Duplex): void {
    if (socket.writable) endWith(socket, refuse(errorOf(cause)));
    else socket.destroy();
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    if (isClosing) sendElsewhere(response);
    if (!namesOneHost(request)) answerWith(response, refuse(noHost(), { Connection: 'close' }));
    else if (live.isFor(request)) live.answer(request, response);
    // Express types its handler for its own request, which is made from this one.
    else app(request, response);
  }

  const http = createServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: patience.checkEveryMs,
      keepAliveTimeout: 65 * secondMs,
      // Node.js's own refusal has no envelope; ours is in `serve`.
      requireHostHeader: false,
      // Who offers another protocol, as Java's client does with HTTP/2, is answered in this one.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    serve,
  );
  // What is expected of us beside an answer may be ignored (RFC 9110, section 10.1.1).
  http.on('checkExpectation', serve);
  const app = createApp(deps);
  http.setTimeout(patience.silenceMs);
  http.on('clientError', refuseMalformed);
  const live = createLiveServer(deps);
  http.on('upgrade', (request, socket, head) => {
    live.upgrade(request, socket, head);
  });
  const port = await listen(http, address);
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = once(http, 'close');
      isClosing = true;
      underWay.forEach(sendElsewhere);
      http.close();
      const over = Promise.withResolvers<undefined>();
      const limit = setTimeout(() => {
        http.closeAllConnections();
        over.resolve(undefined);
      }, patience.closeMs);
      // A connection whose last request ends during the close would be kept alive for the next one.
      const idle = setInterval(() => {
        http.closeIdleConnections();
      }, idleCloseMs);
      // A dependency that hangs would keep both for as long as it does.
      const ended = live.close().then(() => deps.notices.settled());
      await Promise.all([closed, Promise.race([ended, over.promise])]);
      clearInterval(idle);
      clearTimeout(limit);
    },
  };
}

function listen(http: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.off('error', reject);
      const address = http.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** HTTP/1.1 wants exactly one (RFC 9112, section 3.2): of two, one in front of us might have read the other. */
function namesOneHost({ httpVersion, rawHeaders }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0');
}

const noHost = () => new ApiError('validation_failed', [{ path: 'Host', message: 'must be there, once' }]);

/** How Node.js says what was wrong with a request that it could not read. */
function errorOf({ code }: { code?: string }): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ApiError('request_timeout');
  if (code === 'HPE_HEADER_OVERFLOW') return new ApiError('headers_too_large');
  return new ApiError('validation_failed', [{ path: 'request', message: 'is not a valid HTTP request' }]);
}
