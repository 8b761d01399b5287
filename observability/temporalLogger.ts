import type { Logger as TemporalLogger, LogLevel as TemporalLevel, LogMetadata } from '@temporalio/common';
import type { Logger, LogLevel } from './logger.ts';

const levels: Record<TemporalLevel, LogLevel> = {
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Takes what Temporal's SDK, workflows and activities log into our own lines (I4): for `Runtime.install({ logger })`.
 * A workflow's id names its session, so such a line carries `session_id`.
 */
export function temporalLogger(logger: Logger): TemporalLogger {
  const log = (level: TemporalLevel, message: string, meta: LogMetadata = {}): void => {
    logger[levels[level]]({ ...meta, session_id: sessionOf(meta) }, message);
  };
  return {
    log,
    trace: (message, meta) => {
      log('TRACE', message, meta);
    },
    debug: (message, meta) => {
      log('DEBUG', message, meta);
    },
    info: (message, meta) => {
      log('INFO', message, meta);
    },
    warn: (message, meta) => {
      log('WARN', message, meta);
    },
    error: (message, meta) => {
      log('ERROR', message, meta);
    },
  };
}

function sessionOf({ workflowId }: LogMetadata): string | undefined {
  if (typeof workflowId !== 'string' || !workflowId.startsWith('session-')) return undefined;
  return workflowId.slice('session-'.length);
}
