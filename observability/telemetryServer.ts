import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** Resolves when a dependency answers, rejects when it does not. */
export type Check = () => Promise<void>;

export interface Readiness {
  ready: boolean;
  /** `ok`, or one sentence that names the dependency and nothing secret. */
  checks: Record<string, string>;
}

const checkLimitMs = 2_000;

/** Runs all checks at once; each has two seconds. Errors go to the log, since their words may hold addresses. */
export async function runChecks(checks: Record<string, Check>, logger?: Logger): Promise<Readiness> {
  const outcomes = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await runCheck(name, check, logger)] as const),
  );
  return { ready: outcomes.every(([, outcome]) => outcome === 'ok'), checks: Object.fromEntries(outcomes) };
}

async function runCheck(name: string, check: Check, logger?: Logger): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      resolve(`${name} has not answered within ${checkLimitMs / 1_000} seconds`);
    }, checkLimitMs);
  });
  const answer = Promise.resolve()
    .then(check)
    .then(
      () => 'ok',
      (error: unknown) => {
        logger?.warn({ error, dependency: name }, 'a dependency does not answer');
        return `${name} is not reachable`;
      },
    );
  const outcome = await Promise.race([answer, limit]);
  clearTimeout(timer);
  return outcome;
}

interface TelemetryOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  metrics: Metrics;
  checks: Record<string, Check>;
  logger: Logger;
}

/** A worker's own small server: `/metrics` for Prometheus, `/healthz` (it lives), `/readyz` (it can work). */
export async function startTelemetryServer({
  host,
  port,
  metrics,
  checks,
  logger,
}: TelemetryOptions): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request.url?.split('?')[0] ?? '/', request.method ?? 'GET', response).catch((error: unknown) => {
      logger.error({ error }, 'the telemetry page failed');
      if (!response.headersSent) sendJson(response, 500, { message: 'This page failed; the log tells why.' });
      else response.destroy();
    });
  });

  async function answer(path: string, method: string, response: ServerResponse): Promise<void> {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      sendJson(response, 405, { message: 'Only GET and HEAD are answered here.' });
    } else if (path === '/healthz') sendJson(response, 200, { alive: true });
    else if (path === '/readyz') {
      const readiness = await runChecks(checks, logger);
      sendJson(response, readiness.ready ? 200 : 503, readiness);
    } else if (path === '/metrics') {
      response.setHeader('content-type', metrics.registry.contentType);
      response.end(await metrics.registry.metrics());
    } else sendJson(response, 404, { message: 'Here are /metrics, /healthz and /readyz.' });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: portOf(server.address()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The telemetry server has no port.');
  return address.port;
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('cache-control', 'no-store');
  response.end(JSON.stringify(body));
}
