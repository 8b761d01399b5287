import { context, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger, type Logger, type LogLevel } from './logger.ts';

function recording(level: LogLevel | 'silent' = 'info'): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  return { logger: createLogger({ service: 'api', level, destination: { write } }), lines };
}

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
});

describe('A log line', () => {
  test('has exactly the fields of the specification, extra ones under metadata (I4)', () => {
    const { logger, lines } = recording();
    logger.child({ requestId: 'req_1', user_id: 'u-1' }).info({ session_id: 's-1', step: 'analyze' }, 'step begun');
    expect(lines).toEqual([
      {
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        level: 'INFO',
        service: 'api',
        trace_id: null,
        span_id: null,
        user_id: 'u-1',
        session_id: 's-1',
        message: 'step begun',
        metadata: { requestId: 'req_1', step: 'analyze' },
      },
    ]);
  });

  test('keeps all its fields when only a message is said (I4)', () => {
    const { logger, lines } = recording('debug');
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) logger[level]('up');
    expect(lines.map((line) => line.level)).toEqual(['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']);
    expect(lines[0]).toMatchObject({ message: 'up', metadata: {}, session_id: null });
  });

  test('carries the ids of the active span (I4)', () => {
    const { logger, lines } = recording();
    const span = trace.wrapSpanContext({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.SAMPLED,
    });
    context.with(trace.setSpan(context.active(), span), () => {
      logger.info('inside');
    });
    expect(lines[0]).toMatchObject({ trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' });
  });

  test('tells of an error under metadata.error (I4)', () => {
    const { logger, lines } = recording();
    logger.error({ error: new RangeError('too far') }, 'failed');
    expect(lines[0]?.metadata).toMatchObject({
      error: { name: 'RangeError', message: 'too far', stack: expect.stringContaining('logger.test.ts') },
    });
  });

  test('is not written below the level, nor at all when silent', () => {
    const { logger, lines } = recording('error');
    logger.info('too quiet');
    const silent = recording('silent');
    silent.logger.fatal('nobody hears');
    expect([...lines, ...silent.lines]).toEqual([]);
  });
});
