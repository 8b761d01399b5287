import { context, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import type { RequestHandler } from 'express';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { runInRequestSpan } from '../observability/tracing.ts';
import { beginState, type RequestState } from './requestState.ts';

interface TelemetryDeps {
  logger: Logger;
  metrics: Metrics;
}

const tracer = trace.getTracer('api');

/**
 * The first middleware: gives the request its id and its trace, and when the answer is out, one log line and its
 * metrics.
 */
export function observeRequests({ logger, metrics }: TelemetryDeps): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const state = beginState(response);
    response.setHeader('X-Request-Id', state.requestId);

    function finish(span: Span): void {
      const durationMs = performance.now() - startedAt;
      const { method } = request;
      const status = response.statusCode;
      measure(metrics, state, method, status, durationMs);
      endSpan(span, state, method, status);
      logger.info(
        {
          ...state.fields,
          requestId: state.requestId,
          method,
          route: state.route,
          status,
          durationMs: Math.round(durationMs * 10) / 10,
          bytes: Number(response.getHeader('Content-Length') ?? 0),
          ...(response.writableFinished ? {} : { aborted: true }),
        },
        'request',
      );
    }
    runInRequestSpan({ tracer }, request, (span) => {
      const bound = context.bind(context.active(), finish);
      response.once('close', () => {
        bound(span);
      });
      next();
    });
  };
}

function endSpan(span: Span, { route }: RequestState, method: string, status: number): void {
  span.updateName(`${method} ${route}`);
  span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function measure(metrics: Metrics, { route }: RequestState, method: string, status: number, durationMs: number): void {
  const labels = { method, route, status: String(status) };
  metrics.httpRequestsTotal.inc(labels);
  metrics.httpRequestDurationSeconds.observe(labels, durationMs / 1_000);
  metrics.apiUsageByEndpoint.inc({ endpoint: route, method });
}
