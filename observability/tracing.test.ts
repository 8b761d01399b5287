import { SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from '@jest/globals';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { runInRequestSpan, startTracing, withoutWords, type Tracing } from './tracing.ts';

let tracing: Tracing | undefined;
afterEach(() => tracing?.shutdown());

describe('Without an exporter', () => {
  test('spans have ids all the same, so that lines can be told together (I4)', async () => {
    tracing = startTracing({ service: 'api' });
    const within = await runInRequestSpan(tracing, { method: 'GET', headers: {} }, async (span) => {
      await Promise.resolve();
      span.end();
      return trace.getActiveSpan()?.spanContext();
    });
    expect(within?.traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
  });

  test("a request goes on in its caller's trace, and a faulty header begins a new one (I4)", () => {
    tracing = startTracing({ service: 'api' });
    const idOf = (traceparent: string) =>
      runInRequestSpan(
        startedTracing(),
        { method: 'GET', headers: { traceparent } },
        (span) => span.spanContext().traceId,
      );
    expect(idOf('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(idOf('00-zz-yy-01')).toMatch(/^[\da-f]{32}$/);
  });
});

function startedTracing(): Tracing {
  if (tracing === undefined) throw new Error('Tracing has not started.');
  return tracing;
}

test('A span leaves with the type and frames of an error, without its words (I5)', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [withoutWords(new SimpleSpanProcessor(exporter))] });
  provider.getTracer('api').startActiveSpan('step', (span) => {
    const error = new TypeError('quotes\nMARKER');
    span.recordException(error);
    span.addEvent('plain');
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    span.end();
  });
  await provider.forceFlush();
  const [finished] = exporter.getFinishedSpans();
  expect(JSON.stringify([finished?.status, finished?.events])).not.toContain('MARKER');
  expect(finished?.status.code).toBe(SpanStatusCode.ERROR);
  expect(finished?.events[0]?.attributes).toMatchObject({
    'exception.type': 'TypeError',
    'exception.stacktrace': expect.stringContaining('tracing.test.ts'),
  });
  await provider.shutdown();
});
