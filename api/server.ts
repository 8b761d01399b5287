import { createServer, STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError, errorTable } from '../domain/errors.ts';
import { secondMs } from '../domain/time.ts';
import { createApp } from './app.ts';
import type { ApiDeps } from './deps.ts';
import { failure } from './envelope.ts';
import { createLiveHub } from './live/hub.ts';
import { serveLiveUpdates } from './live/sockets.ts';
import { createTrainingWatcher } from './live/trainings.ts';
import { newRequestId } from './requestState.ts';

export interface RunningApi {
  url: string;
  /** Lets the requests under way come to their end, and closes every socket. It closes none of the dependencies. */
  close(): Promise<void>;
}

/** How long requests under way may take once the server closes. */
const closeLimitMs = 10 * secondMs;
const idleCloseMs = 20;

/** Starts the gateway: HTTP and live updates on one port; `port` 0 takes any free one. */
export async function startApi(deps: ApiDeps, address: { host: string; port: number }): Promise<RunningApi> {
  const http = createServer(
    // Slow and hanging clients are cut off; ten megabytes over a slow line still pass.
    { headersTimeout: 15 * secondMs, requestTimeout: 120 * secondMs, keepAliveTimeout: 65 * secondMs },
    // Express types its handler for its own request, which is made from this one.
    (request, response) => {
      app(request, response);
    },
  );
  const app = createApp(deps);
  http.on('clientError', refuseMalformed);
  const hub = createLiveHub(deps);
  const trainings = createTrainingWatcher(deps);
  const io = serveLiveUpdates(http, { ...deps, hub, trainings });
  const port = await listen(http, address);
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    async close() {
      io.disconnectSockets(true);
      const closed = io.close();
      const limit = setTimeout(() => {
        http.closeAllConnections();
      }, closeLimitMs);
      // A connection whose last request ends during the close would be kept alive for the next one.
      const idle = setInterval(() => {
        http.closeIdleConnections();
      }, idleCloseMs);
      await Promise.all([closed, hub.close(), trainings.close()]);
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
function refuseMalformed(_error: Error, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const error = new ApiError('validation_failed', [{ path: 'request', message: 'is not a valid HTTP request' }]);
  const { status } = errorTable[error.code];
  const body = JSON.stringify(failure(newRequestId(), error));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
