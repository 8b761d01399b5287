import { expect, test } from '@jest/globals';
import { createLogger } from './logger.ts';
import { temporalLogger } from './temporalLogger.ts';

test("Temporal's own lines come in our form, at our levels, under their session (I4)", () => {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const logger = temporalLogger(createLogger({ service: 'worker-cpu', level: 'debug', destination: { write } }));
  logger.trace('one');
  logger.debug('two');
  logger.info('three', { workflowId: 'session-42', trace_id: 'abc', cue: 'MARKER' });
  logger.warn('four', { workflowId: 'erase-42' });
  logger.error('five');
  logger.log('INFO', 'six');
  expect(lines.map(({ level }) => level)).toEqual(['DEBUG', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'INFO']);
  expect(lines[2]).toMatchObject({ message: 'three', session_id: '42', trace_id: 'abc', service: 'worker-cpu' });
  expect(lines[3]).toMatchObject({ session_id: null, metadata: { workflowId: 'erase-42' } });
  expect(JSON.stringify(lines)).not.toContain('MARKER');
});
