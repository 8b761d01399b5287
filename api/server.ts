import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError } from '../domain/errors.ts';
import { secondMs } from '../domain/time.ts';
import { createApp } from './app.ts';
import type { ApiDeps } from './deps.ts';
import { createLiveServer } from './live/server.ts';
import { endWith, refusalOf } from './refusals.ts';

export interface RunningApi {
  url: string;
  /** Lets the requests under way come to their end, and closes every socket. It closes none of the dependencies. */
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
}

const clientPatience: ClientPatience = {
  headersMs: 15 * secondMs,
  requestMs: 120 * secondMs,
  silenceMs: 150 * secondMs,
  checkEveryMs: 5 * secondMs,
};

/** How long requests under way may take once the server closes. */
const closeLimitMs = 10 * secondMs;
const idleCloseMs = 20;

/** Starts the gateway: HTTP and live updates on one port; `port` 0 takes any free one. */
export async function startApi(
  deps: ApiDeps,
  address: { host: string; port: number },
  patience = clientPatience,
): Promise<RunningApi> {
  const http = createServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: patience.checkEveryMs,
      keepAliveTimeout: 65 * secondMs,
    },
    // Express types its handler for its own request, which is made from this one.
    (request, response) => {
      if (live.isFor(request)) live.answer(request, response);
      else app(request, response);
    },
  );
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
      http.close();
      const limit = setTimeout(() => {
        http.closeAllConnections();
      }, closeLimitMs);
      // A connection whose last request ends during the close would be kept alive for the next one.
      const idle = setInterval(() => {
        http.closeIdleConnections();
      }, idleCloseMs);
      await Promise.all([closed, live.close()]);
      await deps.notices.settled();
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

/** What is no HTTP request never reaches Express; its answer has the envelope all the same (G3). */
function refuseMalformed(cause: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  endWith(socket, refusalOf(errorOf(cause)));
}

/** How Node.js says what was wrong with a request that it could not read. */
function errorOf({ code }: { code?: string }): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ApiError('request_timeout');
  if (code === 'HPE_HEADER_OVERFLOW') return new ApiError('headers_too_large');
  return new ApiError('validation_failed', [{ path: 'request', message: 'is not a valid HTTP request' }]);
}
