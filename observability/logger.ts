import { isSpanContextValid, trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { redact, redactText } from './redaction.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/**
 * Fields of a line: those named here stand at its top, every other one under `metadata`. The ids of the trace are taken
 * from the active span unless given.
 */
export interface LogFields {
  trace_id?: string | undefined;
  span_id?: string | undefined;
  session_id?: string | undefined;
  user_id?: string | undefined;
  [field: string]: unknown;
}

interface LogLine {
  (fields: LogFields, message: string): void;
  (message: string): void;
}

/**
 * Writes one JSON line a call (I4): `logger.info({ session_id, step: 'analyze', attempt: 2 }, 'step begun')`.
 * An error goes in as `error`: `logger.error({ error }, 'the step failed')`. Restricted fields are redacted at any depth
 * (I5), but the message is the caller's own sentence: it names no content.
 */
export type Logger = Record<LogLevel, LogLine> & {
  /** A logger whose every line carries these fields as well. */
  child(fields: LogFields): Logger;
};

interface LoggerOptions {
  service: string;
  level: LogLevel | 'silent';
  /** Standard output unless given. */
  destination?: DestinationStream;
}

/** The logger of a process: pino writes the lines, in the form of I4. */
export function createLogger({ service, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label.toUpperCase() }) },
  };
  const lines = destination === undefined ? pino(options) : pino(options, destination);
  return loggerWith(lines, service, {});
}

function loggerWith(lines: PinoLogger, service: string, inherited: LogFields): Logger {
  const at =
    (level: LogLevel): LogLine =>
    (first: LogFields | string, second?: string): void => {
      if (!lines.isLevelEnabled(level)) return;
      const fields = typeof first === 'string' ? inherited : { ...inherited, ...first };
      const message = typeof first === 'string' ? first : (second ?? '');
      lines[level](toLine(service, fields), redactText(message));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => loggerWith(lines, service, { ...inherited, ...fields }),
  };
}

/** Every line has every field of I4, null where it does not apply, so that a query never has to guess. */
function toLine(service: string, { trace_id, span_id, session_id, user_id, ...metadata }: LogFields): object {
  const span = trace.getActiveSpan()?.spanContext();
  const traced = span !== undefined && isSpanContextValid(span);
  return {
    service,
    trace_id: trace_id ?? (traced ? span.traceId : null),
    span_id: span_id ?? (traced ? span.spanId : null),
    user_id: user_id ?? null,
    session_id: session_id ?? null,
    metadata: redact(metadata),
  };
}
