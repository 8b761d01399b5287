import { context, propagation, SpanKind, trace, type Span, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left and lets go of the globals. */
  shutdown(): Promise<void>;
}

export interface TracingOptions {
  service: string;
  /** An OTLP/HTTP address that takes traces. Without it spans have their ids, for the logs, and record nothing. */
  exporterUrl?: string | undefined;
}

/**
 * Starts OpenTelemetry for this process: W3C trace context on the wire, asynchronous calls keep their span. Call it
 * before anything that asks for a tracer, once a process.
 */
export function startTracing({ service, exporterUrl }: TracingOptions): Tracing {
  const provider = new BasicTracerProvider({
    resource: new Resource({ 'service.name': service }),
    sampler:
      exporterUrl === undefined ? new AlwaysOffSampler() : new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors:
      exporterUrl === undefined
        ? []
        : [withoutWords(new BatchSpanProcessor(new OTLPTraceExporter({ url: exporterUrl })))],
  });
  provider.register({
    contextManager: new AsyncLocalStorageContextManager().enable(),
    propagator: new W3CTraceContextPropagator(),
  });
  return {
    tracer: provider.getTracer(service),
    async shutdown() {
      await provider.shutdown();
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/**
 * Runs a request inside its span, as the child of the caller's where it names one. The span is not ended here, since
 * an answer outlives the call: name it by its route and end it when the answer has gone.
 */
export function runInRequestSpan<T>(
  { tracer }: Pick<Tracing, 'tracer'>,
  { method, headers }: { method: string; headers: Record<string, string | string[] | undefined> },
  run: (span: Span) => T,
): T {
  const caller = propagation.extract(context.active(), headers);
  const attributes = { 'http.request.method': method };
  return tracer.startActiveSpan(method, { kind: SpanKind.SERVER, attributes }, caller, run);
}

/**
 * Takes the words of errors out of spans before they leave, since a message may quote what a person wrote (I5): their
 * type and frames stay, and the log has the rest under the same trace id, redacted by its table.
 */
export function withoutWords(next: SpanProcessor): SpanProcessor {
  return {
    onStart: (span, parent) => {
      next.onStart(span, parent);
    },
    onEnd: (span) => {
      removeWords(span);
      next.onEnd(span);
    },
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  };
}

function removeWords({ status, events }: ReadableSpan): void {
  delete status.message;
  for (const { attributes } of events) {
    if (attributes === undefined) continue;
    delete attributes['exception.message'];
    const stack = attributes['exception.stacktrace'];
    if (typeof stack === 'string') {
      const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
      attributes['exception.stacktrace'] = frames.join('\n');
    }
  }
}
